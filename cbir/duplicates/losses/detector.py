"""What each copy shows that the image which is kept does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UnreadableImageError
from cbir.core.lru_cache import LruCache
from cbir.duplicates.copy_classifier import NEAR_DISTANCE
from cbir.duplicates.coverage import LEAST_SHOWN, footprint, foreign_regions, shown_share
from cbir.duplicates.detail import DetailCache
from cbir.duplicates.image_content import Content, ContentCache, open_content, relative_resolution
from cbir.duplicates.loss import Loss
from cbir.duplicates.losses.file_contents import LazyFile, file_losses
from cbir.duplicates.model import CopyMatch
from cbir.duplicates.preference import more_detail
from cbir.images.contents.file_contents import ALPHA_SIDE, opacity
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import fit, resized
from cbir.search.metrics import hamming
from cbir.verification.geometry import Transform, inverted, orientation_transform, scale_of
from cbir.verification.planes import gray_of

_WHOLE = 0.9
"""Share of the kept image from which on a copy is no part of it."""

_DISJOINT = 0.1
"""Share of the smaller of two parts in which they may overlap, at most."""

_FINEST = 2048
"""Pixels along the longest side in which fine detail is compared, at most: letters of a scanned
page of usual size are legible then."""

_GRAY, _COLORED = 3.0, 12.0
"""Mean difference, in levels of 255, of the largest and the least of red, green and blue: at most
in a gray image, which compression tints, and at least in a colored one."""

_VIVID, _FAINT, _VIVID_SHARE = 24, 4, 0.002
"""The same difference of a cell that is colored, and of one that is gray, and the share of colored
cells that may be gray in the image that is kept: a stamp, or a red pen, has more."""

_COLOR_SIZE, _COLOR_SIDE = 256, 128
"""Pixels of the longest side in which colors are compared, and cells along either side, at most."""

_AS_LARGE, _LARGER = 0.98, 1.05
"""Scales from which on a copy is as large as the image that is kept, and larger: alignment is not
exact."""

_USUAL_DEPTH, _DARK = 8, 128
"""Bits a channel, and the brightest level of an image of more bits that uses few of its values."""

PlaneReader = Callable[[EncodedImage, int], NDArray[np.uint8]]
"""``plane(image, size)``: what is compared of an image, fitted into `size` × `size` pixels."""


class LossDetector:
    """Finds out what is lost with a copy; each content is read once. Threads may share it.

    Parameters
    ----------
    cache : ContentCache
    details : DetailCache
    """

    def __init__(self, cache: ContentCache, details: DetailCache) -> None:
        self._cache = cache
        self._details = details
        self._files: dict[bytes, LazyFile] = {}
        self._chroma: LruCache[NDArray[np.uint8]] = LruCache(256)
        # A page is compared with many of the same template.
        self._fine: LruCache[NDArray[np.uint8]] = LruCache(24)
        self._parts: set[tuple[bytes, bytes]] = set()
        # Groups are searched for again when it is known which image is better.
        self._found: dict[tuple[bytes, bytes], tuple[Loss, ...]] = {}

    def between(self, kept: Content, copy: Content, match: CopyMatch) -> tuple[Loss, ...]:
        """Return what the copy shows, and the kept image does not.

        Parameters
        ----------
        kept, copy : Content
        match : CopyMatch
            As seen from the kept image.
        """
        if kept.sha256 == copy.sha256:
            return ()
        pair = (kept.sha256, copy.sha256)
        if pair not in self._found:
            self._found[pair] = self._compared(kept, copy, match)
        if match.level == "exact" or pair not in self._parts:
            return self._found[pair]
        made_of = Loss("composite", "one of several parts of which the kept image is made")
        return (*self._found[pair], made_of)

    def _compared(self, kept: Content, copy: Content, match: CopyMatch) -> tuple[Loss, ...]:
        moved = match.transform
        found = file_losses(
            self._file(copy),
            self._file(kept),
            same_pixels=match.level == "exact",
            transform=None if moved is None else self._on_grid(moved, kept, copy, ALPHA_SIDE),
        )
        if match.level == "exact":
            return found
        told = {loss.kind for loss in found}
        seen = [loss for loss in self._visible_losses(kept, copy, match) if loss.kind not in told]
        return (*found, *seen)

    def find_composites(self, kept: Content, copies: Iterable[tuple[Content, CopyMatch]]) -> bool:
        """Note which copies are parts of which a kept image is made; say whether any are new.

        Parts are two that lie in different places of the kept image, and are no copies of each
        other. :meth:`between` counts them as lost from then on.
        """
        masks = [
            (copy, mask)
            for copy, match in copies
            if match.transform is not None
            and (mask := self._place(kept, copy, match.transform)).mean() < _WHOLE
        ]
        before = len(self._parts)
        for i, (first, here) in enumerate(masks):
            for second, there in masks[:i]:
                smaller = max(1, min(int(here.sum()), int(there.sum())))
                disjoint = int((here & there).sum()) <= _DISJOINT * smaller
                if disjoint and int(hamming(first.bits, second.bits[None])[0]) > NEAR_DISTANCE:
                    self._parts |= {(kept.sha256, one.sha256) for one in (first, second)}
        return len(self._parts) > before

    def _place(
        self, kept: Content, copy: Content, transform: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return where the kept image shows the copy, in the frame of the former."""
        return footprint(self._cache.gray(kept), inverted(transform), self._cache.gray(copy))

    def _visible_losses(self, kept: Content, copy: Content, match: CopyMatch) -> Iterator[Loss]:
        """Yield what is lost of what the 8-bit RGB image shows."""
        if share := self._gray_share(kept, copy, match.transform):
            percent = f"{100 * share:.1f} %"
            yield Loss("color", f"colors in {percent} of it; the kept image is gray there")
        here, there = self._cache.gray(kept), self._cache.gray(copy)
        transform = match.transform
        if transform is None:
            transform = orientation_transform(here.shape, there.shape, 0)
        share = shown_share(here, there, transform)
        if kept.sha256 in self._cache.damaged and copy.sha256 not in self._cache.damaged:
            yield Loss("area", "the end of the kept file is missing")
        elif share < LEAST_SHOWN:
            yield Loss("area", f"the kept image shows {int(100 * share)} % of it")
        elif regions := self._foreign(kept, copy, transform, _brightness):
            yield Loss("area", _in_words(regions))
        if self._file_content(copy, "alpha") is not None and (
            regions := self._foreign(kept, copy, transform, _transparency)
        ):
            yield Loss("alpha", f"{_in_words(regions)}, in how opaque it is")
        if (self._file_content(copy, "depth") or 0) > _USUAL_DEPTH and there.max() < _DARK:
            yield Loss("depth", "values that are too dark in 8 bits to be compared")
        scale = relative_resolution(copy, kept, match.transform)
        if scale > _AS_LARGE and self._shows_more(copy, kept, scale):
            larger = f"{scale:.1f} times the resolution of the kept image"
            yield Loss("detail", larger if scale > _LARGER else "finer than in the kept image")

    def _shows_more(self, copy: Content, kept: Content, scale: float) -> bool:
        """Say whether a copy of at least the kept image's resolution holds more real detail."""
        return more_detail(self._details.of(copy), self._details.of(kept), scale) < 0

    def _file_content(self, content: Content, name: str) -> Any:
        """Return a fact of a file; None also where it cannot be found out, as is told already."""
        try:
            return getattr(self._file(content).contents, name)
        except UnreadableImageError:
            return None

    def _foreign(
        self, kept: Content, copy: Content, transform: Transform, plane: PlaneReader
    ) -> list[tuple[int, int]]:
        """Return the sizes of the places in which fine detail differs, in pixels of the copy."""
        working = [max(self._cache.gray(one).shape) for one in (kept, copy)]
        scale = scale_of(transform)
        # Pixels for each one of the copy's working size.
        zoom = min(
            max(copy.width, copy.height) / working[1],
            max(kept.width, kept.height) / working[0] / scale,
            _FINEST / working[1],
            _FINEST / working[0] / scale,
        )
        here = self._at(kept, round(zoom * scale * working[0]), plane)
        there = self._at(copy, round(zoom * working[1]), plane)
        sizes = [
            np.array(self._cache.gray(one).shape[::-1]) / one_fine.shape[::-1]
            for one, one_fine in ((kept, here), (copy, there))
        ]
        larger = max(copy.width, copy.height) / max(there.shape)
        return [
            (round(larger * width), round(larger * height))
            for width, height in foreign_regions(here, there, _resized(transform, *sizes))
        ]

    def _at(self, content: Content, size: int, plane: PlaneReader) -> NDArray[np.uint8]:
        """Return a plane of an image, fitted into `size` × `size` pixels."""

        def read() -> NDArray[np.uint8]:
            image = open_content(content)
            with image.reserve_memory():
                return plane(image, size)

        return self._fine.get(content.sha256 + size.to_bytes(4) + plane.__name__.encode(), read)

    def _gray_share(self, kept: Content, copy: Content, transform: Transform | None) -> float:
        """Return the share of a copy in colors where the kept image is gray; 0 if it is small."""
        smaller = min(max(one.width, one.height) for one in (kept, copy))
        side = max(1, min(_COLOR_SIDE, smaller // 2))
        here, there = self._chroma_of(kept, side), self._chroma_of(copy, side)
        # A cell may take after its neighbors: an edge is not in the same place to the pixel.
        around = np.asarray(cv2.dilate(here, np.ones((3, 3), np.uint8)))
        if transform is not None:
            # What lies beside the kept image is a matter of the area.
            on_grid = self._on_grid(transform, kept, copy, side)
            around = np.asarray(cv2.warpAffine(around, on_grid, around.shape, borderValue=255))
        vivid = float(((there >= _VIVID) & (around <= _FAINT)).mean())
        if vivid > _VIVID_SHARE:
            return vivid
        return 1.0 if here.mean() < _GRAY and there.mean() > _COLORED else 0.0

    def _chroma_of(self, content: Content, side: int) -> NDArray[np.uint8]:
        """Return the difference of the largest and the least of red, green and blue, in cells."""

        def read() -> NDArray[np.uint8]:
            pixels = open_content(content).pixels(_COLOR_SIZE)
            small = resized(pixels, (side, side))
            return np.asarray(small.max(axis=2) - small.min(axis=2), np.uint8)

        return self._chroma.get(content.sha256 + side.to_bytes(), read)

    def _file(self, content: Content) -> LazyFile:
        # One step, so that threads get the same: it reads the file when it is asked.
        return self._files.setdefault(content.sha256, LazyFile(partial(open_content, content)))

    def _on_grid(self, transform: Transform, kept: Content, copy: Content, side: int) -> Transform:
        """Return a transform for images that are both resized to `side` × `side` cells."""
        cell, other = (np.array(self._cache.gray(one).shape[::-1]) / side for one in (kept, copy))
        return _resized(transform, cell, other)


def _brightness(image: EncodedImage, size: int) -> NDArray[np.uint8]:
    # What decodes a JPEG at a reduced size keeps other detail than area averages do.
    whole = max(image.header.width, image.header.height) <= 4 * size
    pixels = fit(image.pixels(None if whole else 2 * size), size)
    return gray_of(pixels)


def _transparency(image: EncodedImage, size: int) -> NDArray[np.uint8]:
    return fit(opacity(image), size)


def _in_words(regions: Sequence[tuple[int, int]]) -> str:
    """Say how many places differ, and how large the largest is."""
    count, (width, height) = len(regions), regions[0]
    differ = "1 region differs" if count == 1 else f"{count:,} regions differ"
    return f"{differ}, of {width} × {height} pixels"


def _resized(
    transform: Transform, first: NDArray[np.float64], second: NDArray[np.float64]
) -> Transform:
    """Return a transform for images whose pixels are `first` and `second` as wide and high."""
    linear, shift = transform[:, :2], transform[:, 2]
    # Pixels are counted from their own centers.
    moved = (linear @ (first / 2 - 0.5) + shift + 0.5) / second - 0.5
    return np.column_stack([linear * first / second[:, None], moved])
