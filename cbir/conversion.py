"""From Pillow's many color modes to 8-bit RGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WHITE = (255, 255, 255, 255)


def to_rgb(image: Image.Image) -> NDArray[Any]:
    """Return the pixels of a loaded picture of any mode as 8-bit RGB, on white."""
    if image.mode == "LAB":
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB") or image
    elif image.mode.startswith(("I", "F")):
        gray = _to_8_bits(np.asarray(image))
        return np.repeat(gray[:, :, None], 3, axis=2)
    elif image.has_transparency_data or image.mode in ("RGBa", "La"):
        image = on_white(image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring deep gray values to 0–255.

    Floats within 0–1 and integers up to 65535 have a known scale; anything beyond is stretched
    between its extremes, because its scale is not told.
    """
    if values.dtype.kind == "f":
        values = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    if low >= 0 and values.dtype.kind == "f" and high <= 1:
        return np.rint(values * 255).astype(np.uint8)
    if low >= 0 and high <= 255 and values.dtype.itemsize != 2:
        return np.rint(values).astype(np.uint8)
    if low >= 0 and high <= 65535 and values.dtype.kind != "f":
        return (values >> 8).astype(np.uint8)
    scaled = (values.astype(np.float64) - low) * (255 / (float(high - low) or 1.0))
    return np.rint(scaled).astype(np.uint8)


def on_white(image: Image.Image) -> Image.Image:
    """Composite an RGBA picture on white; others are only converted to RGB."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image).convert("RGB")
