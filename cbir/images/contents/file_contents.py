"""What an image file holds beyond the 8-bit RGB image that is compared.

Frames and pages, bits a channel, transparency, the gamut, and what is appended. Read only for
images that turn out to be copies: it costs a look at the header, and for those with an alpha
channel, decoding.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cbir.core.amounts import counted
from cbir.core.errors import UnreadableImageError
from cbir.images.color_modes import to_rgb
from cbir.images.contents.color_space import Gamut, gamut_of
from cbir.images.contents.containers import (
    bmff_depth,
    jpeg2000_depth,
    png_chunks,
    png_pieces,
    pnm_depth,
)
from cbir.images.contents.embedded import NOTE, Part, embedded
from cbir.images.contents.image_end import ends_with_pixels
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import MAX_PIXELS

ALPHA_SIDE = 64
"""Cells along either side of the grid on which transparency is compared."""

_SCENE_SIDE = 16
_SAME_SCENE = 12.0
"""Mean difference, in levels of 255, of an image and a smaller version of it."""

_BITS_PER_SAMPLE, _SUBFILE_TYPE, _SUB_IFDS, _LAYERS = 258, 254, 330, 37724
_SAMPLES_PER_PIXEL = 277
_BASELINE = 512
_PREVIEWS, _PROFILE, _TABLES = 34377, 34675, 347
"""Tags of a TIFF: those of the standard, Photoshop's resources, and what is compared elsewhere."""
_REDUCED = 1
_THUMBNAIL = "Large Thumbnail"
_8_BITS = ("JPEG", "MPO", "WEBP", "GIF", "BMP", "DIB", "TGA")
_ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")

_MOST_PAGES, _MOST_REDUCED = 1024, 32
"""Pages of a TIFF, and pages that call themselves reduced, that are looked at; further ones count
as what no other file has."""

_MOST_PIXELS, _SMALL_FRAME = MAX_PIXELS, 1 << 16
"""The same of the pixels of all frames; small ones cost as much as those with so many."""

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
    try:
        with encoded.reserve_memory(), _opened(encoded) as image:
            # What needs only the header comes first: decoding changes modes.
            depth, gamut = _depth(image, encoded.data), gamut_of(image, encoded.data)
            extras = tuple(_extras(image, encoded.data))
            alpha = _alpha(image, encoded.header.orientation)
            return FileContents(_further(image), extras, depth, alpha, gamut)
    except UnreadableImageError:
        raise
    except Exception as error:  # Pillow's plug-ins raise anything at all on damaged files
        raise UnreadableImageError(encoded.path, str(error) or type(error).__name__) from None


def _opened(encoded: EncodedImage) -> Image.Image:
    # Reading the header makes sure that this is an image of a format that may be opened, and
    # registers the reader of an optional one.
    assert encoded.header
    return Image.open(io.BytesIO(encoded.data))


def _depth(image: Image.Image, data: bytes) -> int | None:
    if image.mode == "1":
        return 1
    if image.format in _8_BITS:
        return 8
    if image.format == "PNG":
        header = dict(png_chunks(data)).get(b"IHDR", b"")
        return None if len(header) < 13 else 8 if image.mode == "P" else header[8]
    if image.format == "TIFF":
        bits = image.tag_v2.get(_BITS_PER_SAMPLE, (1,))  # type: ignore[attr-defined]
        return 8 if image.mode in ("P", "PA") else max(bits)
    if image.format == "JPEG2000":
        return jpeg2000_depth(data)
    if image.format in ("HEIF", "AVIF"):
        return bmff_depth(data)
    if image.format == "PPM":
        return 32 if image.mode == "F" else pnm_depth(data)
    return None


def _extras(image: Image.Image, data: bytes) -> Iterator[tuple[str, bytes]]:
    for part in embedded(image, data):
        yield f"{part.what} ({part.size:,} bytes)", _digest_of(data, part)
    if image.format == "TIFF":
        yield from _beside_pages(image, data)
    if image.format in ("BMP", "DIB") and _has_fourth_channel(image, data):
        yield "1 hidden channel", _digest(data)
    if image.format == "PNG" and _has_more_than_pixels(data):
        yield "more data behind the pixels", _digest(data)


def _beside_pages(image: Image.Image, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what the pages of a TIFF hold beside the images that Pillow shows."""
    count = getattr(image, "n_frames", 1)
    for page in range(min(count, _MOST_PAGES)):
        image.seek(page)
        tags = image.tag_v2  # type: ignore[attr-defined]
        if _LAYERS in tags:
            yield "layers", _digest(bytes(tags[_LAYERS]))
        if _SUB_IFDS in tags:
            yield "images inside of a page", _digest(data)
        if hidden := _hidden_channels(image):
            yield f"{counted(hidden, 'hidden channel')}, such as infrared", _digest(data)
        for tag in set(tags) - {_LAYERS, _PREVIEWS, _PROFILE, _TABLES}:
            value = tags[tag] if tag > _BASELINE else ()
            size = len(value) if isinstance(value, bytes | str | tuple) else 0
            if size > NOTE:
                yield f"private data (tag {tag})", _digest(repr(value).encode())
    if count > _MOST_PAGES:
        yield f"pages beyond {_MOST_PAGES:,}", _digest(data)
    image.seek(0)


def _hidden_channels(image: Image.Image) -> int:
    """Count the samples a pixel that a page of a TIFF has and Pillow does not show."""
    samples = image.tag_v2.get(_SAMPLES_PER_PIXEL, 1)  # type: ignore[attr-defined]
    return max(0, int(samples) - len(image.getbands()))


def _has_fourth_channel(image: Image.Image, data: bytes) -> bool:
    """Say whether a BMP has something in the bytes that fill each pixel up to 32 bits."""
    codec, _, start, args = image.tile[0]  # type: ignore[attr-defined]
    if codec != "raw" or args[0] != "BGRX":
        return False
    filling = data[start + 3 : start + 4 * image.width * image.height : 4]
    return filling.count(filling[:1]) < len(filling)


def _has_more_than_pixels(data: bytes) -> bool:
    header, *stored = (
        data[start:end] for name, start, end in png_pieces(data)[0] if name in (b"IHDR", b"IDAT")
    )
    return not ends_with_pixels(header, b"".join(stored))


def _further(image: Image.Image) -> tuple[int, ...]:
    count = getattr(image, "n_frames", 1)
    if count == 1:
        return ()
    if image.format == "MPO":
        kinds = [one["Attribute"]["MPType"] for one in image.mpinfo[0xB002]]  # type: ignore[attr-defined]
        reduced = [kind.startswith(_THUMBNAIL) for kind in kinds]
        return tuple(_not_reduced(image, reduced))
    if image.format == "TIFF":
        reduced = [_says_reduced(image, i) for i in range(min(count, _MOST_PAGES))]
        return tuple(_not_reduced(image, reduced))
    return tuple(range(1, count))


def _says_reduced(image: Image.Image, page: int) -> bool:
    image.seek(page)
    return bool(int(image.tag_v2.get(_SUBFILE_TYPE, 0)) & _REDUCED)  # type: ignore[attr-defined]


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
    grid = cv2.resize(to_rgb(image), (_SCENE_SIDE, _SCENE_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(grid, np.int16)


def _alpha(image: Image.Image, orientation: int) -> NDArray[np.uint8] | None:
    alpha = _opacity(image)
    if alpha is None or alpha.min() == 255:
        return None
    grid = cv2.resize(alpha, (ALPHA_SIDE, ALPHA_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(_upright(np.asarray(grid, np.uint8), orientation), np.uint8)


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
    try:
        with encoded.reserve_memory(), _opened(encoded) as image:
            alpha = _opacity(image)
    except Exception as error:  # Pillow's plug-ins raise anything at all on damaged files
        raise UnreadableImageError(encoded.path, str(error) or type(error).__name__) from None
    if alpha is None:
        return np.full((header.height, header.width), 255, np.uint8)
    return _upright(alpha, header.orientation)


def _upright(grid: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo an EXIF orientation."""
    if orientation > 4:
        grid = grid.T
    if orientation in (2, 3, 7, 6):
        grid = grid[:, ::-1]
    if orientation in (4, 3, 7, 8):
        grid = grid[::-1]
    return np.ascontiguousarray(grid)


def frame_digests(encoded: EncodedImage, places: tuple[int, ...]) -> Iterator[bytes]:
    """Yield what identifies the pixels of each of some frames; one is in memory at a time.

    A frame of which Pillow shows less than there is, like one of 16 bits, or that is too large,
    equals no frame of another file, and so does one with other colors for the same numbers.

    Raises
    ------
    UnreadableImageError
        When a frame is damaged.
    """
    try:
        with _opened(encoded) as image:
            pixels = 0
            for place in places:
                pixels += max(image.width * image.height, _SMALL_FRAME)
                if pixels <= _MOST_PIXELS:  # not even looked for, which costs as much
                    image.seek(place)
                whole = _is_whole(image) and image.width * image.height <= MAX_PIXELS
                if not whole or pixels > _MOST_PIXELS:
                    yield _digest(encoded.data, str(place))
                    continue
                gamut = gamut_of(image, encoded.data)
                with encoded.reserve_memory():
                    frame = _frame_digest(image)
                yield _digest(frame + gamut.profile, gamut.name)
    except Exception as error:  # Pillow's plug-ins raise anything at all on damaged frames
        raise UnreadableImageError(encoded.path, str(error) or type(error).__name__) from None


def frame_times(encoded: EncodedImage) -> list[float]:
    """Return how long each frame of an animation is shown, in milliseconds; of others, nothing.

    Raises
    ------
    UnreadableImageError
        When a frame is damaged.
    """
    times = list[float]()
    try:
        with _opened(encoded) as image:
            count = getattr(image, "n_frames", 1) if image.format in _ANIMATED else 0
            if count * image.width * image.height > _MOST_PIXELS:
                raise UnreadableImageError(encoded.path, "its frames are too many to look at")
            for place in range(count):
                image.seek(place)
                image.load()  # some formats tell it only then
                times.append(float(image.info.get("duration", 0)))
    except UnreadableImageError:
        raise
    except Exception as error:  # Pillow's plug-ins raise anything at all on damaged frames
        raise UnreadableImageError(encoded.path, str(error) or type(error).__name__) from None
    return times


def _is_whole(image: Image.Image) -> bool:
    """Say whether Pillow shows all of a frame; it reduces colors to 8 bits."""
    if image.format != "TIFF":
        return True
    bits = max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,)))  # type: ignore[attr-defined]
    if _hidden_channels(image):
        return False
    return bits <= 8 or image.mode[0] in "IF"


def _frame_digest(image: Image.Image) -> bytes:
    if image.mode[0] in "IF":
        values = np.asarray(image)
    elif image.mode in ("CMYK", "LAB"):
        values = np.asarray(image.convert(image.mode))
    else:
        values = np.asarray(image.convert("RGBA"))
    mode = image.mode if image.mode[0] in "IFC" or image.mode == "LAB" else "RGBA"
    return _digest(np.ascontiguousarray(values).tobytes(), f"{mode} {values.shape}")


def stored_digest(encoded: EncodedImage) -> bytes | None:
    """Return what identifies the values as they are stored, where they are more than 8-bit RGB.

    None where they cannot be read as they are stored.
    """
    with encoded.reserve_memory(), _opened(encoded) as image:
        depth = _depth(image, encoded.data)
        if image.mode[0] in "IF" or (depth is not None and depth <= 8):
            try:
                return _frame_digest(image)
            except Exception:  # Pillow's plug-ins raise anything at all on damaged data
                return None
        deep = image.format in _DEEP_FILES
    with encoded.reserve_memory():
        values = cv2.imdecode(np.frombuffer(encoded.data, np.uint8), cv2.IMREAD_UNCHANGED)
    if not deep or values is None or values.dtype == np.uint8:
        return None
    return _digest(np.ascontiguousarray(values).tobytes(), f"{values.dtype} {values.shape}")


def _digest_of(data: bytes, part: Part) -> bytes:
    digest = hashlib.sha256()
    for start, end in part.ranges:
        digest.update(memoryview(data)[start:end])
    return digest.digest()


def _digest(data: bytes, what: str = "") -> bytes:
    digest = hashlib.sha256(what.encode() + b"\0")
    digest.update(data)
    return digest.digest()
