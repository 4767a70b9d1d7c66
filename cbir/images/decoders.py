"""Decode an image: always the same way, for every descriptor and page.

What decoding may take of the memory, over all threads, has a limit: :data:`DECODING_MB`.

A decoded image is an upright, 8-bit RGB array. OpenCV decodes what it decodes right and fast
(JPEG and PNG without transparency); Pillow decodes the rest.
"""

from __future__ import annotations

import io
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError, features

from cbir.core import stderr_capture
from cbir.core.arguments import path_text_of
from cbir.core.checks import check_whole
from cbir.core.errors import CbirError, UnreadableImageError, UsageError, printable, reason_of
from cbir.core.memory import Budget
from cbir.core.regular_files import read_regular
from cbir.images.color_modes import on_white, to_rgb
from cbir.images.jpeg_header import has_many_scans, plain_size
from cbir.images.truncation import completed

Pixels = NDArray[np.uint8]

Source = str | os.PathLike[str] | Pixels | Image.Image
"""What an image can be given as."""

WORKING_SIZES = (128, 256, 512, 1024)
"""The working sizes that a descriptor may ask for: the longest side, in pixels."""

MAX_PIXELS = 256_000_000
"""Images with more pixels than this are refused from their header, before any decoding."""

MAX_BYTES = 1 << 31
"""Files larger than this are refused unread: 256 million pixels need no more."""

DECODING_MB = "CBIR_DECODING_MB"
"""The environment variable with the megabytes that all decoding at a time may take; an image that
alone takes more is decoded alone."""

_USUAL_DECODING_MB, _MOST_DIGITS = 1024, 18

_KEPT = 64 << 20
"""Bytes of a decoded image that are kept for another working size."""

_OPENCV_COST, _PROGRESSIVE_COST, _PILLOW_COST, _TURNING_COST = 6, 6, 8, 3
_PILLOW_COSTS = {"WEBP": 12, "AVIF": 12, "HEIF": 12, "JXL": 12, "JPEG2000": 24}
"""Bytes a pixel that decoding takes at its peak, as measured: two copies, a progressive JPEG's
coefficients, the libraries behind Pillow with copies of their own."""

_SMALL = 1 << 20
"""Pixels up to which it is not worth a look whether a JPEG is progressive."""

MARKER = "cbir montage"
PLOT_MARKER = "cbir plot"
"""The EXIF `Software` entries of images that the program makes: they are never indexed."""

_LARGEST_SIDE = 1 << 20
"""Pixels; OpenCV decodes nothing wider or higher."""

_BASIC = ("JPEG", "PNG", "GIF", "BMP", "PPM")
_FURTHER = ("WEBP", "TIFF", "DIB", "JPEG2000", "TGA", "AVIF", "HEIF", "JXL")
"""The formats that Pillow may read; not those, like PostScript, that are programs."""

_JPEG_HEAD = 1 << 16
"""Bytes in which the frame of a JPEG begins, mostly."""

_ORIENTATION = 0x0112
_SOFTWARE = 0x0131
_JPEG_REDUCTIONS = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}

# Pillow has a cap of its own, lower than ours. The size is checked here before a pixel is
# decoded, so its cap is only raised to ours, and never lowered when the host raised it further.
if Image.MAX_IMAGE_PIXELS is not None:
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, MAX_PIXELS)


@dataclass(frozen=True, slots=True)
class Header:
    """What an image's header says, before any decoding."""

    format: str
    width: int
    """Of the upright image, in pixels."""
    height: int
    orientation: int
    """EXIF, 1 to 8: what is left to do after decoding."""
    plain: bool
    """OpenCV decodes it right."""
    software: str = ""
    """What made it, by its EXIF."""

    @property
    def own(self) -> bool:
        """This program made it: it has one of its markers."""
        return self.software in (MARKER, PLOT_MARKER)


@dataclass(slots=True)
class EncodedImage:
    """One image file in memory, decoded at most once for each working size.

    Attributes
    ----------
    path : str
        For messages.
    data : bytes
        The file.
    suspect : bool
        It is damaged, or something was printed while it was decoded, perhaps about another image.
    damage : str
        What is known to be wrong with it although it could be decoded.
    """

    path: str
    data: bytes
    suspect: bool = False
    damage: str = ""
    _header: Header | None = None
    _decoded: dict[int | None, Pixels] = field(default_factory=dict)
    _whole: bytes = b""

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> EncodedImage:
        """Read the file at `path`.

        Raises
        ------
        UnreadableImageError
            When it cannot be read, or is empty.
        UsageError
            When it is no path.
        """
        path = path_text_of(path, "an image")
        try:
            data = read_regular(path, MAX_BYTES)
        except OSError as error:
            raise UnreadableImageError(path, reason_of(error)) from None
        except MemoryError:
            raise UnreadableImageError(path, "too large for the memory") from None
        except ValueError as error:  # a NUL in the name
            raise UnreadableImageError(path, str(error)) from None
        return cls(path, data)

    @property
    def header(self) -> Header:
        """What the header says.

        Raises
        ------
        UnreadableImageError
            When this is no image, or one over :data:`MAX_PIXELS`.
        """
        if self._header is None:
            self._header = _read_header(self.path, self.data)
        return self._header

    def pixels(self, size: int | None = None) -> Pixels:
        """Decode the image for a working size.

        Parameters
        ----------
        size : int or None
            The longest side at most, in pixels; an image is never enlarged. None: full size.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
            Upright RGB.

        Raises
        ------
        UnreadableImageError
            When the data is truncated or otherwise undecodable.
        """
        size = None if size is None else check_whole("size", size)
        if size not in self._decoded:
            header = self.header
            if header.format == "JPEG" and header.plain:
                self._decoded[size] = self._decode_scaled(size)
            elif size is not None and None in self._decoded:
                self._decoded[size] = fit(self._decoded[None], size)
            else:
                self._decode_whole(size)
        return self._decoded[size]

    def room(self) -> AbstractContextManager[None]:
        """Hold, for a block, the memory that it takes to decode all of it by other means."""
        return decoding_budget().reserve(_cost(self.header, self.data))

    def _decode_scaled(self, size: int | None) -> Pixels:
        reduction = _jpeg_reduction(self.header, size)
        with decoding_budget().reserve(_cost(self.header, self.data, reduction)):
            decoded = self._decode(reduction)
            return decoded if size is None else _resize_to(decoded, _fitted(self.header, size))

    def _decode_whole(self, size: int | None) -> None:
        """Decode at full size; of a large image keep only what it is shrunk to."""
        with decoding_budget().reserve(_cost(self.header, self.data)):
            decoded = self._decode()
            if size is None or decoded.nbytes <= _KEPT:
                self._decoded[None] = decoded
            if size is not None:
                sizes = (size,) if decoded.nbytes <= _KEPT else {*WORKING_SIZES, size}
                self._decoded |= {one: fit(decoded, one) for one in sizes}

    def _decode(self, reduction: int = 1) -> Pixels:
        silence = stderr_capture.noise()
        decoded = self._with_opencv(reduction) if self.header.plain else self._with_pillow()
        self.suspect |= stderr_capture.noise() != silence or bool(self.damage)
        return _upright(decoded, self.header.orientation)

    def _with_opencv(self, reduction: int) -> Pixels:
        decoded = _decode_with_opencv(self._whole or self.data, reduction)
        if decoded is None and self._complete():
            decoded = _decode_with_opencv(self._whole, reduction)
        if decoded is not None:
            return decoded
        # OpenCV does not say why; Pillow mostly does. Of a JPEG it may know a feature that OpenCV
        # lacks; of a PNG it only does not mind that the end is missing.
        whole = _decode_with_pillow(self.path, self._whole or self.data)
        if self.header.format != "JPEG":
            raise UnreadableImageError(self.path, "truncated or damaged")
        height, width = whole.shape[:2]
        return _resize_to(whole, (-(-width // reduction), -(-height // reduction)))

    def _with_pillow(self) -> Pixels:
        try:
            return _decode_with_pillow(self.path, self._whole or self.data)
        except UnreadableImageError:
            if not self._complete():
                raise
        return _decode_with_pillow(self.path, self._whole)

    def _complete(self) -> bool:
        """Put its end to a file that lacks only that; say whether it was one."""
        if self._whole:
            return False
        found = completed(self.header.format, self.data)
        if found is not None:
            self._whole, self.damage = found
        return found is not None


def software_of(path: str) -> str:
    """Return what made an image, by its EXIF; nothing if the file is no image."""
    try:
        with stderr_capture.caught():
            return EncodedImage.open(path).header.software
    except UnreadableImageError:
        return ""


@cache
def decoding_budget() -> Budget:
    """Return what limits the memory of all decoding in this process.

    Raises
    ------
    UsageError
        When the environment variable :data:`DECODING_MB` is no number.
    """
    text = os.environ.get(DECODING_MB, str(_USUAL_DECODING_MB))
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise UsageError(
            f"{DECODING_MB}={printable(text[:40])}: give a whole number of megabytes, as in 2048"
        )
    return Budget(int(text) << 20)


def open_image(image: Source) -> EncodedImage | ArrayImage:
    """Return an image for a file's path, or for pixels that are in memory already.

    Parameters
    ----------
    image : path, ndarray of uint8, or PIL.Image.Image
        A Pillow image is turned upright as its EXIF says.

    Raises
    ------
    UnreadableImageError
        When the file cannot be read, or the array is not 8-bit gray, RGB or RGBA.
    UsageError
        When it is none of these.
    """
    if isinstance(image, np.ndarray):
        return ArrayImage(image)
    if isinstance(image, Image.Image):
        return ArrayImage(_pixels_of(image))
    return EncodedImage.open(image)


class ArrayImage:
    """Pixels that are in memory already, with the interface of :class:`EncodedImage`.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width), (height, width, 3) or (height, width, 4)
        Gray, RGB or RGBA; transparency is composited on white.
    """

    path = "<array>"

    def __init__(self, image: Pixels) -> None:
        if image.dtype != np.uint8 or image.size == 0:
            raise UnreadableImageError(
                self.path, "not an 8-bit image", "give a uint8 array of gray, RGB or RGBA pixels"
            )
        if image.ndim == 2:
            image = np.repeat(image[:, :, None], 3, axis=2)
        if image.ndim != 3 or image.shape[2] not in (3, 4):
            raise UnreadableImageError(self.path, f"shape {image.shape} is not an image's")
        self._image = np.asarray(on_white(Image.fromarray(image)))

    def pixels(self, size: int | None = None) -> Pixels:
        """Return the image at a working size, as :meth:`EncodedImage.pixels` does."""
        return self._image if size is None else fit(self._image, check_whole("size", size))


def fit(image: Pixels, size: int) -> Pixels:
    """Shrink `image` by area averaging so that its longest side is at most `size`.

    Examples
    --------
    >>> fit(np.zeros((300, 600, 3), np.uint8), 128).shape
    (64, 128, 3)
    >>> fit(np.zeros((30, 60, 3), np.uint8), 128).shape
    (30, 60, 3)
    """
    height, width = image.shape[:2]
    return _resize_to(image, _fitted(Header("", width, height, 1, True), size))


def optional_format(data: bytes) -> str | None:
    """Name the format of `data` if it is one that an optional package may be needed for."""
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
            return "HEIC"
        if brand in (b"avif", b"avis"):
            return "AVIF"
    if data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")):
        return "JPEG XL"
    return None


def _load_extra(format_: str) -> bool:
    """Register the optional reader of `format_` with Pillow; say whether there is one."""
    try:
        if format_ == "JPEG XL":
            import pillow_jxl  # noqa: F401
        elif format_ == "HEIC" or not features.check("avif"):
            import pillow_heif

            pillow_heif.register_heif_opener()
    except ImportError:
        return False
    return True


def _pillow_open(path: str, data: bytes) -> Image.Image:
    optional = optional_format(data)
    readable = _load_extra(optional) if optional else True
    try:
        return _open_known(io.BytesIO(data))
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except UnidentifiedImageError:
        if not readable:
            reason = f"{optional} needs an optional package"
            raise UnreadableImageError(path, reason, "pip install 'cbir[heif]'") from None
        raise UnreadableImageError(path, "not an image") from None
    except Exception as error:  # Pillow's plug-ins raise anything at all on hostile headers
        raise UnreadableImageError(path, str(error) or type(error).__name__) from None


def _open_known(file: io.BytesIO) -> Image.Image:
    try:
        return Image.open(file, formats=_BASIC)
    except UnidentifiedImageError:
        Image.init()  # imports the other plug-ins
        return Image.open(file, formats=[name for name in _FURTHER if name in Image.OPEN])


def _read_header(path: str, data: bytes) -> Header:
    if not data:
        raise UnreadableImageError(path, "the file is empty")
    size = plain_size(data)
    header = Header("JPEG", *size, 1, True) if size else _pillow_header(path, data)
    if header.width * header.height > MAX_PIXELS:
        raise _too_large(path, f"{header.width}x{header.height}")
    if header.format == "JPEG" and has_many_scans(data):
        raise UnreadableImageError(path, "a JPEG of more scans than any encoder makes")
    return header


def _pillow_header(path: str, data: bytes) -> Header:
    image = _pillow_open(path, data)
    width, height = image.size
    orientation, software = 1, None
    # Only EXIF that stands before the pixels: asking further makes Pillow decode them.
    if "exif" in image.info or image.format in ("TIFF", "MPO"):
        try:
            exif = image.getexif()
            orientation, software = exif.get(_ORIENTATION, 1), exif.get(_SOFTWARE)
        except Exception:  # damaged EXIF: the image itself may be sound
            pass
    if orientation not in range(1, 9) or image.format == "TIFF":
        orientation = 1  # Pillow turns TIFF upright itself
    if orientation > 4:
        width, height = height, width
    plain = (
        image.format in ("JPEG", "MPO", "PNG")
        and image.mode in ("RGB", "L")
        and not image.has_transparency_data
        and max(image.size) <= _LARGEST_SIDE
    )
    format_ = "JPEG" if image.format == "MPO" else image.format or ""
    return Header(format_, width, height, int(orientation), plain, str(software or ""))


def _too_large(path: str, size: str = "it") -> UnreadableImageError:
    return UnreadableImageError(
        path, f"{size} has more than {MAX_PIXELS // 1_000_000} million pixels"
    )


def _jpeg_reduction(header: Header, size: int | None) -> int:
    """Return the largest of JPEG's own reductions that leaves at least `size`."""
    longest = max(header.width, header.height)
    if size is None:
        return 1
    return max(k for k in _JPEG_REDUCTIONS if k == 1 or -(-longest // k) >= size)


def _fitted(header: Header, size: int) -> tuple[int, int]:
    """Return width and height with the longest side at most `size`."""
    width, height = header.width, header.height
    longest = max(width, height)
    if longest <= size:
        return width, height
    return max(1, round(width * size / longest)), max(1, round(height * size / longest))


def _resize_to(image: Pixels, size: tuple[int, int]) -> Pixels:
    if (image.shape[1], image.shape[0]) == size:
        return image
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _upright(image: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation (Exif 2.32, tag 0x0112)."""
    if orientation == 1:
        return image
    if orientation > 4:
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 7, 8):
        flip = {2: (0, 1), 3: (1, 1), 7: (1, 1), 8: (1, 0)}[orientation]
    else:
        flip = {4: (1, 0), 5: (0, 0), 6: (0, 1)}[orientation]
    return np.ascontiguousarray(image[:: -1 if flip[0] else 1, :: -1 if flip[1] else 1])


def _cost(header: Header, data: bytes, reduction: int = 1) -> int:
    """Return the bytes that decoding takes, about."""
    pixels = header.width * header.height
    turning = _TURNING_COST * (header.orientation != 1)
    if not header.plain:
        return pixels * (_PILLOW_COSTS.get(header.format, _PILLOW_COST) + turning)
    cost = pixels * (_OPENCV_COST + turning) // reduction**2
    if header.format == "JPEG" and pixels > _SMALL and b"\xff\xc2" in data[:_JPEG_HEAD]:
        cost += pixels * _PROGRESSIVE_COST
    return cost


def _decode_with_opencv(data: bytes, reduction: int) -> Pixels | None:
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | _JPEG_REDUCTIONS[reduction]
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)  # type: ignore[return-value]
    except cv2.error:
        return None


def _pixels_of(image: Image.Image) -> Pixels:
    """Return the upright pixels of a Pillow image, as if it were read from a file."""
    try:
        image.load()
        orientation = image.getexif().get(_ORIENTATION, 1)
        pixels = to_rgb(image)
    except Exception as error:  # the file behind it may be damaged or gone
        raise UnreadableImageError(ArrayImage.path, str(error) or type(error).__name__) from None
    if orientation not in range(1, 9) or image.format == "TIFF":
        return pixels
    return _upright(pixels, int(orientation))


def _decode_with_pillow(path: str, data: bytes) -> Pixels:
    try:
        image = _pillow_open(path, data)
        image.load()
        return to_rgb(image)
    except CbirError:
        raise
    except Exception as error:  # and on damaged data
        raise UnreadableImageError(path, str(error) or type(error).__name__) from None
