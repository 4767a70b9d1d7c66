"""What an image file holds beyond the 8-bit RGB image that is compared.

Frames and pages, bits a channel, transparency, the gamut, and what is appended. Read only for
images that turn out to be copies: it costs a look at the header, and for those with an alpha
channel, decoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cbir.images.contents.color_space import Gamut, gamut_of
from cbir.images.contents.containers import (
    bmff_depth,
    jpeg2000_depth,
    png_chunks,
    png_chunks_before_pixels,
    pnm_depth,
)
from cbir.images.contents.embedded import embedded_data
from cbir.images.contents.frames import digest, frame_digest, further_frames, opened
from cbir.images.contents.image_end import ends_with_pixels
from cbir.images.contents.tiff_pages import beside_pages, bits_per_sample
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import upright

ALPHA_SIDE = 64
"""Cells along either side of the grid on which transparency is compared."""

_8_BITS = ("JPEG", "MPO", "WEBP", "GIF", "BMP", "DIB", "TGA")
_DEEP_FILES = ("PNG", "TIFF", "JPEG2000")


@dataclass(frozen=True, slots=True)
class FileContents:
    """What a file holds.

    Attributes
    ----------
    further : tuple of int
        The places of its further frames or pages; reduced versions of the first are none.
    extras : tuple of (str, bytes)
        What else there is to see in it, in words, and a digest of it: layers, an appended video.
    depth : int or None
        Bits a channel; None where they cannot be found out.
    alpha : ndarray of uint8, shape (64, 64), or None
        How opaque the upright image is; None where all of it is.
    gamut : Gamut
    """

    further: tuple[int, ...]
    extras: tuple[tuple[str, bytes], ...]
    depth: int | None
    alpha: NDArray[np.uint8] | None
    gamut: Gamut


def read_contents(encoded: EncodedImage) -> FileContents:
    """Read the facts of an image file.

    Raises
    ------
    UnreadableImageError
        When they cannot be found out.
    """
    with encoded.reserve_memory(), opened(encoded) as image:
        # What needs only the header comes first: decoding changes modes.
        depth, gamut = _depth(image, encoded.data), gamut_of(image, encoded.data)
        extras = tuple(_extras(image, encoded.data))
        alpha = _alpha(image, encoded.header.orientation)
        return FileContents(further_frames(image), extras, depth, alpha, gamut)


def _depth(image: Image.Image, data: bytes) -> int | None:
    if image.mode == "1":
        return 1
    if image.format in _8_BITS:
        return 8
    if image.format == "PNG":
        header = dict(png_chunks_before_pixels(data)).get(b"IHDR", b"")
        return None if len(header) < 13 else 8 if image.mode == "P" else header[8]
    if image.format == "TIFF":
        return 8 if image.mode in ("P", "PA") else bits_per_sample(image)
    if image.format == "JPEG2000":
        return jpeg2000_depth(data)
    if image.format in ("HEIF", "AVIF"):
        return bmff_depth(data)
    if image.format == "PPM":
        return 32 if image.mode == "F" else pnm_depth(data)
    return None


def _extras(image: Image.Image, data: bytes) -> Iterator[tuple[str, bytes]]:
    whole = memoryview(data)
    for found in embedded_data(image, data):
        parts = (whole[start:end] for start, end in found.ranges)
        yield f"{found.description} ({found.size:,} bytes)", digest("", *parts)
    if image.format == "TIFF":
        for description, held in beside_pages(image, data):
            yield description, digest("", held)
    if image.format in ("BMP", "DIB") and _has_fourth_channel(image, data):
        yield "1 hidden channel", digest("", data)
    if image.format == "PNG" and _has_more_than_pixels(data):
        yield "more data behind the pixels", digest("", data)


def _has_fourth_channel(image: Image.Image, data: bytes) -> bool:
    """Say whether a BMP has something in the bytes that fill each pixel up to 32 bits."""
    codec, _, start, args = image.tile[0]  # type: ignore[attr-defined]
    if codec != "raw" or args[0] != "BGRX":
        return False
    filling = data[start + 3 : start + 4 * image.width * image.height : 4]
    return filling.count(filling[:1]) < len(filling)


def _has_more_than_pixels(data: bytes) -> bool:
    header, *stored = (
        data[start:end] for name, start, end in png_chunks(data)[0] if name in (b"IHDR", b"IDAT")
    )
    return not ends_with_pixels(header, b"".join(stored))


def _alpha(image: Image.Image, orientation: int) -> NDArray[np.uint8] | None:
    alpha = _opacity(image)
    if alpha is None or alpha.min() == 255:
        return None
    grid = cv2.resize(alpha, (ALPHA_SIDE, ALPHA_SIDE), interpolation=cv2.INTER_AREA)
    return upright(np.asarray(grid, np.uint8), orientation)


def _opacity(image: Image.Image) -> NDArray[np.uint8] | None:
    if not (image.has_transparency_data or image.mode in ("RGBa", "La")):
        return None
    return np.asarray(image.convert("RGBA"))[:, :, 3]


def opacity(encoded: EncodedImage) -> NDArray[np.uint8]:
    """Return how opaque each pixel of the upright image is, shape (height, width).

    Raises
    ------
    UnreadableImageError
        When it cannot be found out.
    """
    header = encoded.header
    with encoded.reserve_memory(), opened(encoded) as image:
        alpha = _opacity(image)
    if alpha is None:
        return np.full((header.height, header.width), 255, np.uint8)
    return upright(alpha, header.orientation)


def stored_digest(encoded: EncodedImage) -> bytes | None:
    """Return what identifies the values as they are stored, where they are more than 8-bit RGB.

    None where they cannot be read as they are stored.
    """
    with encoded.reserve_memory(), opened(encoded) as image:
        depth = _depth(image, encoded.data)
        if image.mode[0] in "IF" or (depth is not None and depth <= 8):
            try:
                return frame_digest(image)
            except Exception:  # Pillow's plug-ins raise anything at all on damaged data
                return None
        deep = image.format in _DEEP_FILES
    with encoded.reserve_memory():
        values = cv2.imdecode(np.frombuffer(encoded.data, np.uint8), cv2.IMREAD_UNCHANGED)
    if not deep or values is None or values.dtype == np.uint8:
        return None
    return digest(f"{values.dtype} {values.shape}", values.tobytes())
