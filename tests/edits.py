"""What people do to pictures before they are found again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.conftest import DATA


def photo(name: str) -> Image.Image:
    """One of the repository's photographs: ``cats/cat-1``."""
    return Image.open(DATA / f"{name}.jpg").convert("RGB")


def cropped(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    return picture.crop((width // 8, height // 10, width - width // 6, height))


def padded(picture: Image.Image) -> Image.Image:
    larger = Image.new("RGB", (picture.width + 80, picture.height + 60), "white")
    larger.paste(picture, (40, 30))
    return larger


def rotated(degrees: float) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True)


def mirrored(picture: Image.Image) -> Image.Image:
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def captioned(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    captioned = picture.copy()
    draw = ImageDraw.Draw(captioned)
    draw.rectangle((0, 4 * height // 5, width, height), fill="black")
    draw.text((10, 4 * height // 5 + 5), "A CAPTION", fill="white", font_size=30)
    return captioned


def pasted(picture: Image.Image) -> Image.Image:
    """The picture in another one, at seven eighths of its size."""
    larger = photo("autumn/maple-leaf-1").resize((800, 700))
    larger.paste(picture.resize((picture.width * 7 // 8, picture.height * 7 // 8)), (200, 150))
    return larger


def gray_and_blurred(picture: Image.Image) -> Image.Image:
    return picture.convert("L").filter(ImageFilter.GaussianBlur(1)).convert("RGB")


def photographed_again(picture: np.ndarray, amplitude: float) -> np.ndarray:
    """Displace pixels smoothly by up to `amplitude`, as depth, the lens and motion do."""
    import cv2

    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    wave = amplitude * np.sin(x / 17 + y / 31), amplitude * np.cos(y / 19 - x / 37)
    moved = cv2.remap(picture, x + wave[0], y + wave[1], cv2.INTER_CUBIC)
    return np.asarray(moved, np.uint8)


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "cropped": cropped,
    "padded": padded,
    "rotated by 10°": rotated(10),
    "rotated by 45°": rotated(45),
    "rotated by 90°": rotated(90),
    "mirrored": mirrored,
    "captioned": captioned,
    "pasted": pasted,
    "gray and blurred": gray_and_blurred,
}
