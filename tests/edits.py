"""What people do to images before they are found again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.conftest import DATA


def photo(name: str) -> Image.Image:
    """One of the repository's photographs: ``cats/cat-1``."""
    return Image.open(DATA / f"{name}.jpg").convert("RGB")


def cropped(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((width // 8, height // 10, width - width // 6, height))


def padded(image: Image.Image) -> Image.Image:
    larger = Image.new("RGB", (image.width + 80, image.height + 60), "white")
    larger.paste(image, (40, 30))
    return larger


def rotated(degrees: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.rotate(degrees, Image.Resampling.BICUBIC, expand=True)


def mirrored(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


_TURNS = (
    None,
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.ROTATE_180,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_90,  # counterclockwise
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_270,
)


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The image in an orientation, by its number in `ORIENTATIONS`, as Pillow makes it."""
    turn = _TURNS[orientation]
    return image if turn is None else image.transpose(turn)


def captioned(image: Image.Image) -> Image.Image:
    width, height = image.size
    captioned = image.copy()
    draw = ImageDraw.Draw(captioned)
    draw.rectangle((0, 4 * height // 5, width, height), fill="black")
    draw.text((10, 4 * height // 5 + 5), "A CAPTION", fill="white", font_size=30)
    return captioned


def pasted(image: Image.Image) -> Image.Image:
    """The image in another one, at seven eighths of its size."""
    larger = photo("autumn/maple-leaf-1").resize((800, 700))
    larger.paste(image.resize((image.width * 7 // 8, image.height * 7 // 8)), (200, 150))
    return larger


def gray_and_blurred(image: Image.Image) -> Image.Image:
    return image.convert("L").filter(ImageFilter.GaussianBlur(1)).convert("RGB")


def photographed_again(image: np.ndarray, amplitude: float) -> np.ndarray:
    """Displace pixels smoothly by up to `amplitude`, as depth, the lens and motion do."""
    import cv2

    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    wave = amplitude * np.sin(x / 17 + y / 31), amplitude * np.cos(y / 19 - x / 37)
    moved = cv2.remap(image, x + wave[0], y + wave[1], cv2.INTER_CUBIC)
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
