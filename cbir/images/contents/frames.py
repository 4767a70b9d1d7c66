"""The frames and pages of an image file: which there are, and what identifies each."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cbir.core.errors import UnreadableImageError
from cbir.images.color_modes import to_rgb
from cbir.images.contents.color_space import gamut_of
from cbir.images.contents.tiff_pages import (
    MOST_PAGES,
    bits_per_sample,
    hidden_channels,
    says_reduced,
)
from cbir.images.encoded_image import EncodedImage
from cbir.images.pillow_decoder import errors_as_unreadable, open_with_pillow
from cbir.images.pixels import MAX_PIXELS

_THUMBNAIL_SIDE = 16
_SAME_SCENE = 12.0
"""Mean difference, in levels of 255, of an image and a smaller version of it."""

_THUMBNAIL = "Large Thumbnail"
_ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")

_MOST_REDUCED = 32
"""Pages of a TIFF that call themselves reduced and are looked at; further ones count as images."""

_MOST_PIXELS, _SMALL_FRAME = MAX_PIXELS, 1 << 16
"""Pixels of all frames that are looked at; small ones cost as much as those with so many."""


@contextlib.contextmanager
def opened(encoded: EncodedImage) -> Iterator[Image.Image]:
    """Open an image with Pillow; what is raised in the block on damaged data becomes one error.

    Raises
    ------
    UnreadableImageError
        When the file, or what the block reads of it, is damaged.
    """
    with errors_as_unreadable(encoded.path):
        assert encoded.header  # reading it makes sure that the image is not too large
        with open_with_pillow(encoded.path, encoded.data) as image:
            yield image


def further_frames(image: Image.Image) -> tuple[int, ...]:
    """Return the places of the frames or pages behind the first, without smaller versions."""
    count = getattr(image, "n_frames", 1)
    if count == 1:
        return ()
    if image.format == "MPO":
        kinds = [one["Attribute"]["MPType"] for one in image.mpinfo[0xB002]]  # type: ignore[attr-defined]
        reduced = [kind.startswith(_THUMBNAIL) for kind in kinds]
    elif image.format == "TIFF":
        reduced = [says_reduced(image, i) for i in range(min(count, MOST_PAGES))]
    else:
        return tuple(range(1, count))
    return tuple(_not_reduced(image, reduced))


def _not_reduced(image: Image.Image, reduced: list[bool]) -> Iterator[int]:
    """Yield the places of frames but those that say, and show, that they are smaller versions."""
    whole = looked_at = 0
    for place in range(1, len(reduced)):
        looked_at += reduced[place]
        small = reduced[place] and looked_at <= _MOST_REDUCED
        if not (small and _is_smaller_version(image, whole, place)):
            whole = place
            yield place


def _is_smaller_version(image: Image.Image, whole: int, place: int) -> bool:
    image.seek(whole)
    width, height = image.size
    if width * height > MAX_PIXELS:
        return False
    image.seek(place)
    if image.width >= width or image.height >= height or not _is_whole(image):
        return False
    small = _thumbnail(image)
    image.seek(whole)
    return float(np.abs(_thumbnail(image) - small).mean()) <= _SAME_SCENE


def _thumbnail(image: Image.Image) -> NDArray[np.int16]:
    image.load()
    grid = cv2.resize(
        to_rgb(image), (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA
    )
    return np.asarray(grid, np.int16)


def frame_digests(encoded: EncodedImage, places: tuple[int, ...]) -> Iterator[bytes]:
    """Yield what identifies the pixels of each of some frames; one is in memory at a time.

    A frame of which Pillow shows less than there is, like one of 16 bits, or that is too large,
    equals no frame of another file, and so does one with other colors for the same numbers.

    Raises
    ------
    UnreadableImageError
        When a frame is damaged.
    """
    with opened(encoded) as image:
        pixels = 0
        for place in places:
            pixels += max(image.width * image.height, _SMALL_FRAME)
            if pixels <= _MOST_PIXELS:  # not even looked for, which costs as much
                image.seek(place)
            whole = _is_whole(image) and image.width * image.height <= MAX_PIXELS
            if not whole or pixels > _MOST_PIXELS:
                yield digest(str(place), encoded.data)
                continue
            gamut = gamut_of(image, encoded.data)
            with encoded.reserve_memory():
                frame = frame_digest(image)
            yield digest(gamut.name, frame, gamut.profile)


def frame_times(encoded: EncodedImage) -> list[float]:
    """Return how long each frame of an animation is shown, in milliseconds; of others, nothing.

    Raises
    ------
    UnreadableImageError
        When a frame is damaged.
    """
    times = list[float]()
    with opened(encoded) as image:
        count = getattr(image, "n_frames", 1) if image.format in _ANIMATED else 0
        if count * image.width * image.height > _MOST_PIXELS:
            raise UnreadableImageError(encoded.path, "its frames are too many to look at")
        for place in range(count):
            image.seek(place)
            image.load()  # some formats tell it only then
            times.append(float(image.info.get("duration", 0)))
    return times


def _is_whole(image: Image.Image) -> bool:
    """Say whether Pillow shows all of a frame; it reduces colors to 8 bits."""
    if image.format != "TIFF":
        return True
    return not hidden_channels(image) and (bits_per_sample(image) <= 8 or image.mode[0] in "IF")


def frame_digest(image: Image.Image) -> bytes:
    """Return what identifies the pixels of the frame that Pillow is at."""
    mode = image.mode if image.mode[0] in "IFC" or image.mode == "LAB" else "RGBA"
    values = np.asarray(image if image.mode == mode else image.convert(mode))
    return digest(f"{mode} {values.shape}", values.tobytes())


def digest(kind: str, *parts: bytes | memoryview) -> bytes:
    """Return the SHA-256 of some bytes of a kind."""
    hashing = hashlib.sha256(kind.encode() + b"\0")
    for part in parts:
        hashing.update(part)
    return hashing.digest()
