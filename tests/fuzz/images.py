"""Fuzzed: images."""

from __future__ import annotations

import io
import struct
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from cbir.images.encoded_image import EncodedImage
from tests.fuzz.arrays import noise
from tests.fuzz.mutations import damaged
from tests.fuzz.target import Target

_LARGE = 4_000_000
"""Pixels; what is larger is not decoded in full size, to save time."""

_WITH_EXIF = ("JPEG", "PNG", "WEBP")


class _Images(Target):
    """A format of images."""

    format: ClassVar[str]
    variants: ClassVar[tuple[dict[str, Any], ...]] = ({},)
    examples = 80

    @property
    def image(self) -> Image.Image:
        """An image, small enough for mutations to hit its header."""
        return Image.fromarray(noise()[::5, ::5])

    @cached_property
    def seeds(self) -> list[bytes]:
        return [self._saved(**variant) for variant in self.variants]

    def _saved(self, mode: str = "RGB", **options: Any) -> bytes:
        buffer = io.BytesIO()
        if options.pop("frames", None):
            options |= {"save_all": True, "append_images": [self.image.rotate(180).convert(mode)]}
        self.image.convert(mode).save(buffer, self.format, **options)
        return buffer.getvalue()

    def parse(self, data: bytes) -> None:
        image = EncodedImage("it", data)
        header = image.header
        assert header.width > 0 and header.height > 0
        small = image.pixels(128)
        assert small.dtype == np.uint8 and small.ndim == 3 and small.shape[2] == 3
        assert max(small.shape) <= 128
        if header.width * header.height <= _LARGE:
            assert image.pixels(None).shape == (header.height, header.width, 3)


class Jpeg(_Images):
    name, format = "jpeg", "JPEG"
    variants = ({}, {"progressive": True}, {"mode": "L"}, {"mode": "CMYK"}, {"comment": b"x"})
    tokens = (
        b"\xff\xd8",
        b"\xff\xd9",
        b"\xff\xda",
        b"\xff\xc0",
        b"\xff\xc4",
        b"\xff\xe1\0\x08Exif\0\0",
    )


class Png(_Images):
    name, format = "png", "PNG"
    variants = ({}, {"mode": "RGBA"}, {"mode": "P"}, {"mode": "1"}, {"mode": "I;16"}, {"frames": 2})
    tokens = (b"IHDR", b"IDAT", b"IEND", b"PLTE", b"tRNS", b"eXIf", b"acTL", b"zTXt")

    def _saved(self, mode: str = "RGB", **options: Any) -> bytes:
        if mode != "I;16":
            return super()._saved(mode, **options)
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(self.image.convert("L")).astype(np.uint16) * 257).save(
            buffer, "PNG"
        )
        return buffer.getvalue()


class Gif(_Images):
    name, format = "gif", "GIF"
    variants = ({"mode": "P"}, {"mode": "P", "frames": 2})
    tokens = (b"GIF89a", b"GIF87a", b"\x2c", b"\x21\xf9\x04", b"\x3b")


class Tiff(_Images):
    name, format = "tiff", "TIFF"
    variants = (
        {},
        {"compression": "tiff_lzw"},
        {"compression": "jpeg"},
        {"mode": "F"},
        {"frames": 2},
    )
    tokens = (b"II*\0", b"MM\0*", b"II+\0", struct.pack("<HHII", 0x0100, 4, 1, 1 << 31))


class Bmp(_Images):
    name, format = "bmp", "BMP"
    variants = ({}, {"mode": "P"}, {"mode": "1"}, {"mode": "RGBA"})


class Webp(_Images):
    name, format = "webp", "WEBP"
    variants = ({}, {"lossless": True, "mode": "RGBA"}, {"frames": 2})
    tokens = (b"RIFF", b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"EXIF")


class Others(_Images):
    """Formats that are rarer."""

    name = "other-formats"

    @cached_property
    def seeds(self) -> list[bytes]:
        buffers = []
        for format_ in ("PPM", "TGA", "DIB", "JPEG2000", "MPO"):
            buffer = io.BytesIO()
            self.image.save(buffer, format_)
            buffers.append(buffer.getvalue())
        return buffers


class Exif(_Images):
    """What a camera says of an image, in a JPEG, a PNG and a TIFF's own manner."""

    name = "exif"

    @cached_property
    def seeds(self) -> list[bytes]:
        return [self._with_exif(self.exif.tobytes(), format_) for format_ in _WITH_EXIF]

    @property
    def exif(self) -> Image.Exif:
        """Orientation, the program, and what has offsets of its own."""
        exif = Image.Exif()
        exif[0x0112], exif[0x0131], exif[0x010E] = 6, "cbir montage", "x" * 20
        exif.get_ifd(0x8769)[0x9003] = "2001:01:01 01:01:01"
        return exif

    def inputs(self) -> st.SearchStrategy[bytes]:
        blobs = damaged([self.exif.tobytes()])
        return st.builds(self._with_exif, blobs, st.sampled_from(_WITH_EXIF))

    def _with_exif(self, exif: bytes, format_: str) -> bytes:
        buffer = io.BytesIO()
        self.image.save(buffer, format_, exif=exif[:60_000] or b"Exif\0\0")
        return buffer.getvalue()
