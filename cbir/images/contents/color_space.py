"""What the numbers of an image mean as colors: its color space and its profile."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from cbir.images.contents.containers import (
    bmp_profile,
    gif_profile,
    jpeg2000_color,
    nclx_of,
    png_chunks_before_pixels,
)

ColorSpace = Literal["gray", "RGB", "CMYK", "LAB"]
GamutRelation = Literal["same", "within", "other"]

_SAME_COLOR = 2
"""Levels of 255 by which the colors of two profiles may differ and still be the same: versions of
the sRGB profile differ by 1."""

_REPRODUCED = 24
"""Levels of 255 that 8 bits may cost on the way to a wider gamut and back: 14 in one much wider
than sRGB. Colors outside of the gamut come back 100 levels or more aside, from Display P3 too."""

_STEPS = np.linspace(0, 255, 9).round().astype(np.uint8)

_SRGB_GAMMA = 0.45455
_SRGB_PRIMARIES = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
"""Of the white point, red, green and blue: x and y of each."""

_INTEROPERABILITY = 0xA005

_TIFF_COLORS = (318, 319)
"""Tags of the white point, and of the primaries."""

_JPEG_2000_USUAL = (0, 16, 17, 18)
"""Color spaces of a JPEG 2000 that mean sRGB, or its grays, or nothing."""


@dataclass(frozen=True, slots=True)
class Gamut:
    """Which colors an image can have, and which numbers stand for them.

    Attributes
    ----------
    space : {"gray", "RGB", "CMYK", "LAB"}
    name : str
        For people.
    profile : bytes
        ICC; empty where there is none.
    described : bool
        `profile` says all; without one, the colors are those of sRGB. False: they are said in
        another way, by which only equal ones can be compared: `name`.
    """

    space: ColorSpace
    name: str = "sRGB"
    profile: bytes = b""
    described: bool = True


def gamut_of(image: Image.Image, data: bytes) -> Gamut:
    """Return the gamut of an image that Pillow has opened, from its header.

    Parameters
    ----------
    image : Image
    data : bytes
        The file.

    Examples
    --------
    >>> gamut_of(Image.new("L", (1, 1)), b"").space
    'gray'
    """
    space = _space(image.mode)
    chunks = dict(png_chunks_before_pixels(data)) if image.format == "PNG" else {}
    if b"cICP" in chunks:  # precedence as in the PNG specification, 3rd edition, 4.3
        return _coded(space, *chunks[b"cICP"][:2])
    profile = image.info.get("icc_profile") or _profile_of(image.format, data)
    if profile:
        try:
            opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            name = ImageCms.getProfileDescription(opened).strip()
        except (ImageCms.PyCMSError, OSError):
            name = ""
        return Gamut(space, name or "a color profile without a name", profile)
    if image.format == "PNG" and b"sRGB" not in chunks:
        return _of_chunks(space, chunks)
    if image.format == "TIFF" and (numbers := _tiff_colors(image)):
        return Gamut(space, numbers, described=False)
    if image.format == "JPEG2000" and jpeg2000_color(data)[1] not in _JPEG_2000_USUAL:
        return Gamut(space, f"color space {jpeg2000_color(data)[1]}", described=False)
    if image.format == "BMP" and (endpoints := _bmp_colors(data)):
        return Gamut(space, endpoints, described=False)
    if image.format in ("HEIF", "AVIF") and (coded := nclx_of(data)) is not None:
        return _coded(space, *coded)
    if image.format in ("JPEG", "MPO") and _is_dcf_adobe(image):
        return Gamut(space, "Adobe RGB by EXIF", described=False)
    return Gamut(space)


def _profile_of(format_: str | None, data: bytes) -> bytes:
    """Return a color profile that Pillow does not tell of."""
    if format_ == "JPEG2000":
        return jpeg2000_color(data)[0]
    return bmp_profile(data) if format_ == "BMP" else gif_profile(data) if format_ == "GIF" else b""


def _tiff_colors(image: Image.Image) -> str:
    """Return what a TIFF says about its colors in numbers, if it is not what sRGB is."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    said = [tuple(map(float, tags[tag])) for tag in _TIFF_COLORS if tag in tags]
    usual = (_SRGB_PRIMARIES[:2], _SRGB_PRIMARIES[2:])
    if all(any(_equal(one, other) for other in usual) for one in said):
        return ""
    return f"white point and primaries {said}"


def _bmp_colors(data: bytes) -> str:
    """Return the calibrated colors of a BMP of version 4 or 5, if it has any."""
    if int.from_bytes(data[14:18], "little") < 108 or any(data[70:74]) or not any(data[74:122]):
        return ""
    return f"calibrated colors {data[74:122].hex()}"


def _equal(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return len(first) == len(second) and bool(np.allclose(first, second, atol=0.002))


def _space(mode: str) -> ColorSpace:
    if mode in ("CMYK", "LAB"):
        return mode  # type: ignore[return-value]
    return "gray" if mode[0] in "1LIF" else "RGB"


def _coded(space: ColorSpace, primaries: int, transfer: int) -> Gamut:
    """Return the gamut of code points (ITU-T H.273); 2 says that nothing is said."""
    if primaries in (1, 2) and transfer in (1, 2, 6, 13):
        return Gamut(space)
    return Gamut(space, f"color primaries {primaries}, transfer {transfer}", described=False)


def _of_chunks(space: ColorSpace, chunks: dict[bytes, bytes]) -> Gamut:
    """Return what a PNG says about its colors in numbers, without a profile."""
    gamma = _numbers(chunks.get(b"gAMA", b""))
    primaries = _numbers(chunks.get(b"cHRM", b""))
    usual = not gamma or abs(gamma[0] - _SRGB_GAMMA) < 0.001
    if primaries and space != "gray":
        usual &= _equal(primaries, _SRGB_PRIMARIES)
    if usual:
        return Gamut(space)
    return Gamut(space, f"gamma {gamma}, primaries {primaries}", described=False)


def _numbers(chunk: bytes) -> tuple[float, ...]:
    count = len(chunk) // 4
    return tuple(value / 100_000 for value in struct.unpack(f">{count}I", chunk[: 4 * count]))


def _is_dcf_adobe(image: Image.Image) -> bool:
    """Say whether EXIF names Adobe RGB as cameras do that embed no profile (DCF 2.0)."""
    if "exif" not in image.info:
        return False
    try:
        return str(image.getexif().get_ifd(_INTEROPERABILITY).get(1, "")).startswith("R03")
    except Exception:  # damaged EXIF says nothing
        return False


@lru_cache(maxsize=1024)
def compare_gamuts(copy: Gamut, kept: Gamut) -> GamutRelation:
    """Compare the gamut of a copy with that of the image that is kept.

    Returns
    -------
    {"same", "within", "other"}
        ``same``: equal numbers are equal colors. ``within``: the kept image has all colors of the
        copy, under other numbers. If one of the two is gray, its shades are what is compared.

    Examples
    --------
    >>> compare_gamuts(Gamut("gray"), Gamut("RGB")), compare_gamuts(Gamut("CMYK"), Gamut("RGB"))
    ('same', 'other')
    """
    if copy == kept:
        return "same"
    if {copy.space, kept.space} - {"gray", "RGB"} or not (copy.described and kept.described):
        return "other"
    shades = _shades() if "gray" in (copy.space, kept.space) else _grid()
    try:
        there = converted(shades, copy, kept)
        if _largest_difference(there, shades) <= _SAME_COLOR:
            return "same"
        back = converted(there, kept, copy)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return "other"
    return "within" if _largest_difference(back, shades) <= _REPRODUCED else "other"


def converted(pixels: NDArray[np.uint8], source: Gamut, target: Gamut) -> NDArray[np.uint8]:
    """Return the numbers that stand in another gamut for the same colors.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width, 3)
        RGB; where a profile is one of grays, the first channel counts.

    Raises
    ------
    PIL.ImageCms.PyCMSError
        When a profile cannot be used.
    """
    profiles = [_profile(gamut) for gamut in (source, target)]
    modes = ["L" if one.profile.xcolor_space.strip() == "GRAY" else "RGB" for one in profiles]
    image = Image.fromarray(pixels if modes[0] == "RGB" else np.ascontiguousarray(pixels[..., 0]))
    transform = ImageCms.buildTransform(
        profiles[0], profiles[1], modes[0], modes[1], ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    changed = ImageCms.applyTransform(image, transform)
    assert changed is not None
    return np.asarray(changed.convert("RGB"))


def _profile(gamut: Gamut) -> ImageCms.ImageCmsProfile:
    if gamut.profile:
        return ImageCms.ImageCmsProfile(io.BytesIO(gamut.profile))
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _grid() -> NDArray[np.uint8]:
    return np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), axis=-1).reshape(1, -1, 3)


def _shades() -> NDArray[np.uint8]:
    return np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)


def _largest_difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> int:
    return int(np.abs(first.astype(np.int16) - second).max())
