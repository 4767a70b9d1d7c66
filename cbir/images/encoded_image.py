"""Decode an image file in memory: always the same way, for every descriptor and page.

A decoded image is an upright, 8-bit RGB array. OpenCV decodes what it decodes right and fast
(JPEG and PNG without transparency); Pillow decodes the rest. What decoding may take of the memory,
over all threads, has a limit: :data:`~cbir.images.decoding_memory.DECODING_MB`.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from cbir.core import stderr_capture
from cbir.core.arguments import path_text_of
from cbir.core.checks import check_whole
from cbir.core.errors import UnreadableImageError, reason_of
from cbir.core.regular_files import read_regular
from cbir.images.decoding_memory import decoding_budget, decoding_cost
from cbir.images.header import Header, read_header
from cbir.images.open_image import OpenImage, ReducedImage
from cbir.images.opencv_decoder import decode_with_opencv, jpeg_reduction
from cbir.images.pillow_decoder import decode_with_pillow
from cbir.images.pixels import WORKING_SIZES, Pixels, fit, fitted_size, resized, reversals, upright
from cbir.images.truncation import restore_end

MAX_BYTES = 1 << 31
"""Files larger than this are refused unread: 256 million pixels need no more."""

_KEPT = 64 << 20
"""Bytes of a decoded image that are kept for another working size."""


@dataclass(slots=True)
class EncodedImage(OpenImage):
    """One image file in memory, decoded at most once for each working size.

    Attributes
    ----------
    path : str
        For messages.
    data : bytes
        The file.
    may_be_damaged : bool
        It is damaged, or something was printed while it was decoded, perhaps about another image.
    damage : str
        What is known to be wrong with it although it could be decoded.
    """

    path: str
    data: bytes
    may_be_damaged: bool = False
    damage: str = ""
    _header: Header | None = None
    _decoded: dict[int | None, Pixels] = field(default_factory=dict)
    _restored: bytes = b""

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
            When this is no image, or one over :data:`~cbir.images.pixels.MAX_PIXELS`.
        """
        if self._header is None:
            self._header = read_header(self.path, self.data)
        return self._header

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height of the upright image, by its header."""
        return self.header.width, self.header.height

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
            if self._can_be_reduced:
                self._decoded[size] = self._decode_scaled(size)
            elif size is not None and None in self._decoded:
                self._decoded[size] = fit(self._decoded[None], size)
            else:
                self._decode_whole(size)
        return self._decoded[size]

    def reduction(self, longest: int, size: int | None) -> int:
        """Return the largest reduction by which a side of `longest` keeps `size`; 1 if none can."""
        return jpeg_reduction(longest, size) if self._can_be_reduced else 1

    def reduced(self, reduction: int) -> ReducedImage:
        """Decode the image at a reduction; each call decodes anew where there is one."""
        if not self._can_be_reduced:
            return ReducedImage(self.pixels())
        with self.reserve_memory(reduction):
            pixels = self._decode(reduction)
        # The last square of the file reaches beyond; turned upright, it may be the first.
        left, top = (
            -side % reduction if is_reversed else 0
            for side, is_reversed in zip(
                self.dimensions, reversals(self.header.orientation), strict=True
            )
        )
        return ReducedImage(pixels, left, top)

    @property
    def _can_be_reduced(self) -> bool:
        return self.header.format == "JPEG" and self.header.for_opencv

    def reserve_memory(self, reduction: int = 1) -> AbstractContextManager[None]:
        """Hold, for a block, the memory that it takes to decode all of it, by whatever means."""
        return decoding_budget().reserve(decoding_cost(self.header, self.data, reduction))

    def _decode_scaled(self, size: int | None) -> Pixels:
        width, height = self.dimensions
        reduction = jpeg_reduction(max(width, height), size)
        with self.reserve_memory(reduction):
            decoded = self._decode(reduction)
            return decoded if size is None else resized(decoded, fitted_size(width, height, size))

    def _decode_whole(self, size: int | None) -> None:
        """Decode at full size; of a large image keep only what it is shrunk to."""
        with self.reserve_memory():
            decoded = self._decode()
            if size is None or decoded.nbytes <= _KEPT:
                self._decoded[None] = decoded
            if size is not None:
                sizes = (size,) if decoded.nbytes <= _KEPT else {*WORKING_SIZES, size}
                self._decoded |= {one: fit(decoded, one) for one in sizes}

    def _decode(self, reduction: int = 1) -> Pixels:
        before = stderr_capture.captured_size()
        decoded = self._with_opencv(reduction) if self.header.for_opencv else self._with_pillow()
        self.may_be_damaged |= stderr_capture.captured_size() != before or bool(self.damage)
        return upright(decoded, self.header.orientation)

    def _with_opencv(self, reduction: int) -> Pixels:
        decoded = decode_with_opencv(self._restored or self.data, reduction)
        if decoded is None and self._restore_end():
            decoded = decode_with_opencv(self._restored, reduction)
        if decoded is not None:
            return decoded
        # OpenCV does not say why; Pillow mostly does. Of a JPEG it may know a feature that OpenCV
        # lacks; of a PNG it only does not mind that the end is missing.
        whole = decode_with_pillow(self.path, self._restored or self.data)
        if self.header.format != "JPEG":
            raise UnreadableImageError(self.path, "truncated or damaged")
        height, width = whole.shape[:2]
        return resized(whole, (-(-width // reduction), -(-height // reduction)))

    def _with_pillow(self) -> Pixels:
        try:
            return decode_with_pillow(self.path, self._restored or self.data)
        except UnreadableImageError:
            if not self._restore_end():
                raise
        return decode_with_pillow(self.path, self._restored)

    def _restore_end(self) -> bool:
        """Put its end to a file that lacks only that; say whether it was one."""
        if self._restored:
            return False
        found = restore_end(self.header.format, self.data)
        if found is not None:
            self._restored, self.damage = found
        return found is not None


def software_of(path: str) -> str:
    """Return what made an image, by its EXIF; nothing if the file is no image."""
    try:
        with stderr_capture.capture():
            return EncodedImage.open(path).header.software
    except UnreadableImageError:
        return ""
