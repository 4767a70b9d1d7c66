"""What one image file holds, beyond the 8-bit RGB image, and another does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms

from cbir.core.errors import UnreadableImageError
from cbir.duplicates.loss import Loss, LossKind
from cbir.images.contents.color_space import compare_gamuts, converted
from cbir.images.contents.file_contents import (
    ALPHA_SIDE,
    FileContents,
    read_contents,
    stored_digest,
)
from cbir.images.contents.frames import frame_digests, frame_times
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import Pixels, resized

_FILE_LOSSES: tuple[LossKind, ...] = ("frames", "depth", "alpha", "gamut")

_OPACITY = 64
"""Levels of 255 by which the opacity of two copies may differ: lossy alpha and resizing."""

_OPAQUE = 2
"""The same where the kept image is opaque: neither makes an opaque image transparent."""

_EQUAL_COLORS = 2.0
"""Mean difference, in levels of 255, of images that show the same colors."""

_CONVERTED = 0.6
"""How much nearer the colors of a converted image are than its numbers, at least."""

_LABELED, _ROUNDED = 1.5, 0.5
"""How much nearer the numbers than the colors may be in any cell of a converted image; and of one
with equal numbers, whose colors are mostly others."""

_EQUAL_TIME = 10.0
"""Milliseconds by which a frame may be shown longer or shorter: a GIF counts hundredths."""

_COLOR_SIDE = 32
_WORKING_SIZE = 128


@dataclass(slots=True)
class LazyFile:
    """An image file, and its facts once they have been read.

    Attributes
    ----------
    open : callable
        Returns the file, in memory; raises UnreadableImageError when it cannot.
    """

    open: Callable[[], EncodedImage]
    _contents: FileContents | None = None

    @property
    def contents(self) -> FileContents:
        """What the file holds beyond the 8-bit RGB image that is compared.

        Raises
        ------
        UnreadableImageError
            When that cannot be found out.
        """
        if self._contents is None:
            self._contents = read_contents(self.open())
        return self._contents


def file_losses(
    copy: LazyFile,
    kept: LazyFile,
    *,
    same_pixels: bool = False,
    transform: NDArray[np.float64] | None = None,
) -> tuple[Loss, ...]:
    """Compare what two files hold beyond the 8-bit RGB image.

    Parameters
    ----------
    copy, kept : LazyFile
    same_pixels : bool
        The 8-bit RGB images are equal.
    transform : ndarray of float64, shape (2, 3), optional
        Where the kept image lies in the copy, for images that are both resized to 64 × 64. By
        default one is the other as a whole.

    Returns
    -------
    tuple of Loss
        What cannot be found out is assumed to be lost.
    """
    try:
        return tuple(_compared(copy, kept, same_pixels, transform))
    except UnreadableImageError as error:
        return tuple(Loss(kind, f"unknown: {error.reason}") for kind in _FILE_LOSSES)


def _compared(
    copy: LazyFile, kept: LazyFile, same_pixels: bool, transform: NDArray[np.float64] | None
) -> Iterator[Loss]:
    yield from _frames_lost(copy, kept)
    yield from _depth_lost(copy, kept, same_pixels)
    if not _holds_alpha(copy.contents.alpha, kept.contents.alpha, transform) or (
        same_pixels and copy.contents.alpha is not None and not _same_values(copy, kept)
    ):
        other = "has another one" if kept.contents.alpha is not None else "is opaque"
        yield Loss("alpha", f"transparency; the kept image {other}")
    yield from _gamut_lost(copy, kept, same_pixels, moved=transform is not None)


def _frames_lost(copy: LazyFile, kept: LazyFile) -> Iterator[Loss]:
    held = Counter(digest for _, digest in kept.contents.extras)
    lost = list[str]()
    for what, digest in copy.contents.extras:
        if held[digest] == 0:
            lost.append(what)
        held[digest] -= 1
    lost[:0] = _further_lost(copy, kept)
    if lost:
        yield Loss("frames", ", ".join(lost))


def _further_lost(copy: LazyFile, kept: LazyFile) -> Iterator[str]:
    """Name what of its further frames the kept image does not have: pixel by pixel, as often, in
    order, and as long.
    """
    places, kept_places = copy.contents.further, kept.contents.further
    if not places:
        return
    missing = len(places)
    if kept_places:
        first, *further = frame_digests(copy.open(), (0, *places))
        held = list(frame_digests(kept.open(), (0, *kept_places)))
        missing = (Counter(further) - (Counter(held) - Counter([first]))).total()
        if not missing and not _in_order(further, held):
            yield "the order of the frames"
        if not missing and not _as_long(copy, kept):
            yield "how long each frame is shown"
    if missing:
        yield f"{missing:,} of {len(places):,} further frames or pages"


def _in_order(some: list[bytes], held: list[bytes]) -> bool:
    """Say whether some digests come in the same order among others."""
    rest = iter(held)
    return all(one in rest for one in some)


def _as_long(copy: LazyFile, kept: LazyFile) -> bool:
    """Say whether two animations are equally fast, if one is kept that is no longer."""
    if len(copy.contents.further) != len(kept.contents.further):
        return True
    copy_times, kept_times = frame_times(copy.open()), frame_times(kept.open())
    if len(copy_times) != len(kept_times):
        return not any(copy_times)
    pairs = zip(copy_times, kept_times, strict=True)
    return all(abs(one - other) <= _EQUAL_TIME for one, other in pairs)


def _depth_lost(copy: LazyFile, kept: LazyFile, same_pixels: bool) -> Iterator[Loss]:
    depth, kept_depth = copy.contents.depth, kept.contents.depth
    if depth is None or kept_depth is None:
        if depth is None or depth > 8:
            yield Loss("depth", "unknown: the file does not say how many bits a channel it has")
    elif depth > kept_depth:
        yield Loss("depth", f"{depth} bits a channel; the kept image has {kept_depth}")
    elif same_pixels and _is_deep(copy) and not _same_values(copy, kept):
        yield Loss("depth", "values that are equal only in 8 bits of RGB")


def _same_values(copy: LazyFile, kept: LazyFile) -> bool:
    stored = stored_digest(copy.open())
    return stored is not None and stored == stored_digest(kept.open())


def _is_deep(content: LazyFile) -> bool:
    """Say whether the file holds more than 8-bit RGB."""
    return (content.contents.depth or 0) > 8 or content.contents.gamut.space in ("CMYK", "LAB")


def _holds_alpha(
    copy: NDArray[np.uint8] | None,
    kept: NDArray[np.uint8] | None,
    transform: NDArray[np.float64] | None,
) -> bool:
    """Say whether a copy is as transparent as the kept image, in each cell that both show."""
    if copy is None:
        return True
    size = (ALPHA_SIDE, ALPHA_SIDE)
    opacity = np.full(size, 255, np.uint8) if kept is None else kept
    # A cell may take after its neighbors: an edge is not in the same place to the pixel.
    ring = np.ones((3, 3), np.uint8)
    planes = [cv2.erode(opacity, ring), cv2.dilate(opacity, ring), np.full(size, 255, np.uint8)]
    if transform is not None:
        planes = [cv2.warpAffine(plane, transform, size) for plane in planes]
    least, most, inside = (np.asarray(plane, np.int16) for plane in planes)
    excess = np.maximum(copy - most, least - copy)
    allowed = _OPAQUE if kept is None else _OPACITY
    return not bool((excess[inside == 255] > allowed).any())


def _gamut_lost(copy: LazyFile, kept: LazyFile, same_pixels: bool, moved: bool) -> Iterator[Loss]:
    gamut, kept_gamut = copy.contents.gamut, kept.contents.gamut
    related = compare_gamuts(gamut, kept_gamut)
    if related == "other":
        there = f"{kept_gamut.space} of {kept_gamut.name}"
        what = f"{gamut.space} of {gamut.name}; the kept image has {there}"
        yield Loss("gamut", what)
    elif related == "within" and (moved or not _same_colors(copy, kept, same_pixels)):
        yield Loss("gamut", f"numbers that mean colors of {gamut.name}, not of {kept_gamut.name}")


def _same_colors(copy: LazyFile, kept: LazyFile, same_pixels: bool) -> bool:
    """Say whether a copy was converted to its gamut, rather than merely labeled with it."""
    here, there = _small(copy.open()), _small(kept.open())
    try:
        meant = converted(here, copy.contents.gamut, kept.contents.gamut)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False
    numbers, colors = _differences(here, there), _differences(meant, there)
    if (colors > numbers + (_ROUNDED if same_pixels else _LABELED)).any():
        return False
    return bool(colors.mean() <= max(_EQUAL_COLORS, _CONVERTED * numbers.mean()))


def _small(image: EncodedImage) -> Pixels:
    return resized(image.pixels(_WORKING_SIZE), (_COLOR_SIDE, _COLOR_SIDE))


def _differences(first: Pixels, second: Pixels) -> NDArray[np.floating]:
    """Return how far apart two images are in each cell, on average of red, green and blue."""
    return np.abs(first.astype(np.int16) - second).mean(2)
