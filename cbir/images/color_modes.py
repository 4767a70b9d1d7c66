"""From Pillow's many color modes to 8-bit RGB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WHITE = (255, 255, 255, 255)

_BAND = 1 << 20
"""Pixels that are converted at a time: a conversion in Pillow holds several copies."""

_SAMPLE = 1 << 20
"""Values by which the range of an image is estimated, about."""

_FARTHEST = 0.1
"""Percent of the values at either end that the range may leave out: overshoot of sharpening, hot
pixels, and the like."""

_LARGEST = ((1.0, 1.0), (128.0, 255.0), (255.0, 255.0), (32768.0, 65535.0), (65535.0, 65535.0))
"""What is white where the largest value is the first number; between these it is in between."""

_BITS, _SAMPLE_FORMAT, _SMALLEST_SAMPLE, _LARGEST_SAMPLE = 258, 339, 340, 341
"""Tags of TIFF 6.0."""

_UNSIGNED = 1
_LEVELS = 256


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of a loaded image of any mode as 8-bit RGB, on white."""
    converted = np.empty((image.height, image.width, 3), np.uint8)
    convert = _converter(image)
    for top, band in _bands(image):
        converted[top : top + band.height] = convert(band)
    return converted


def on_white(image: Image.Image) -> Image.Image:
    """Composite an RGBA image on white; others are only converted to RGB."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image).convert("RGB")


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Cut an image into bands of whole rows."""
    rows = max(1, _BAND // image.width)
    if rows >= image.height:
        yield 0, image
        return
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _converter(image: Image.Image) -> Any:
    """Return the function that converts each band of an image."""
    if image.mode == "LAB":
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
        return lambda band: np.asarray(ImageCms.applyTransform(band, transform) or band)
    if image.mode.startswith(("I", "F")):
        return _gray_converter(image)
    if image.has_transparency_data or image.mode in ("RGBa", "La"):
        return lambda band: np.asarray(on_white(band.convert("RGBA")))
    return lambda band: np.asarray(band.convert("RGB"))


def _gray_converter(image: Image.Image) -> Any:
    """Return the function that makes 0–255 of the deep gray values of an image.

    16 bits have a scale that is known. Of floating point and 32 bits it is what the TIFF's header
    says, in SMinSampleValue and SMaxSampleValue; else it comes from the values. Black is 0, or the
    smallest value if that is less. White is 1, 255 or 65535 above that, the first that holds the
    largest value (1 only for floating point); from each to half of the next, white moves up to that
    with the largest value, so that there is no step: 1.0 and 1.001 give nearly the same image,
    255 and 256 too. A thousandth of the values at either end may lie beyond. What is not a number
    is black.
    """

    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return lambda band: (np.asarray(band).clip(0, 65535) >> 8).astype(np.uint8)[:, :, None]
    tags = getattr(image, "tag_v2", None)
    unsigned = image.mode == "I" and tags is not None and _is_unsigned(tags)
    low, high = _extremes(image, unsigned)
    stated = _stated_limits(tags) if tags is not None else None
    if stated is not None and _LEVELS * (high - low) > stated[1] - stated[0]:
        black, white = stated
    else:
        black = min(0.0, low)
        least = 1.0 if image.mode == "F" else 255.0
        white = black + _white(max(high - black, least))

    def convert(band: Image.Image) -> NDArray[np.uint8]:
        scaled = _numbers(np.asarray(band), unsigned)
        scaled = (scaled - black) * (255 / (white - black))
        scaled = np.rint(np.nan_to_num(scaled, nan=0.0).clip(0, 255))
        return scaled.astype(np.uint8)[:, :, None]

    return convert


def _white(largest: float) -> float:
    """Return what is white above black, for the largest value above black.

    Examples
    --------
    >>> [round(_white(value), 3) for value in (0.5, 1.0, 1.001, 130, 255, 256, 70000)]
    [1.0, 1.0, 1.001, 255.0, 255.0, 256.143, 70000]
    """
    if largest >= _LARGEST[-1][0]:
        return largest
    known, white = np.log(np.array(_LARGEST).T)
    return float(np.exp(np.interp(np.log(max(largest, 1.0)), known, white)))


def _extremes(image: Image.Image, unsigned: bool) -> tuple[float, float]:
    """Return the smallest and the largest value, but for a few that lie far out."""
    step = -(-image.width * image.height // _SAMPLE)
    sample = np.concatenate(
        [_numbers(np.asarray(band).ravel()[::step], unsigned) for _, band in _bands(image)]
    )
    sample = sample[np.isfinite(sample)]
    if len(sample) == 0:
        return 0.0, 0.0
    low, high = np.percentile(sample, [_FARTHEST, 100 - _FARTHEST])
    return float(low), float(high)


def _numbers(values: NDArray[Any], unsigned: bool) -> NDArray[np.float64]:
    return (values.view(np.uint32) if unsigned else values).astype(np.float64)


def _is_unsigned(tags: Any) -> bool:
    """Say whether a TIFF has 32 bits without a sign; Pillow gives them as if they had one."""
    formats = tags.get(_SAMPLE_FORMAT, _UNSIGNED), tags.get(_BITS)
    return [int(np.ravel(one)[0]) if one is not None else 0 for one in formats] == [_UNSIGNED, 32]


def _stated_limits(tags: Any) -> tuple[float, float] | None:
    """Return black and white as a TIFF's header states them, if it does so sensibly."""
    try:
        low, high = (float(np.ravel(tags[tag])[0]) for tag in (_SMALLEST_SAMPLE, _LARGEST_SAMPLE))
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    return (low, high) if np.isfinite([low, high]).all() and low < high else None
