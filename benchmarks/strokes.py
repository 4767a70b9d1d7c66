"""The single steps that the edits of `edits.py` are made of: pixels in, pixels out.

A step is ``(rgb, rng, other) -> rgb``: an RGB array of uint8, shape (height, width, 3); a random
generator for what is left to chance; ``other(rng)`` gives another photograph. Sizes are shares of
the image's sides, so that small and large images look alike afterwards.
"""

# Every step takes the same three arguments, whether it needs them or not.
# ruff: noqa: ARG001

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Other = Callable[[np.random.Generator], Pixels]
Step = Callable[[Pixels, np.random.Generator, Other], Pixels]

WORDS = (
    "WHEN YOU SEE IT",
    "NOT TODAY",
    "ONE DOES NOT SIMPLY",
    "MONDAY MORNING",
    "SUMMER SALE",
    "HELLO FROM HERE",
    "BEST DAY EVER",
    "JUST BECAUSE",
    "50% OFF NOW",
    "WISH YOU WERE HERE",
)
"""Captions, in capitals as is usual."""

WHITE = (255, 255, 255)
BLACK = (0, 0, 0)


def scale(factor: float) -> Step:
    """Return a step that resizes: smaller by area averages, larger by cubic interpolation."""

    def step(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
        height, width = rgb.shape[:2]
        return _resized(rgb, max(1, round(width * factor)), max(1, round(height * factor)))

    return step


def gamma(exponent: float) -> Step:
    """Return a step that raises values (0 to 1) to `exponent`: below 1 brightens."""
    return _table(255 * (np.arange(256) / 255.0) ** exponent)


def contrast(factor: float) -> Step:
    """Return a step that stretches values about the middle gray."""
    return _table(127.5 + factor * (np.arange(256) - 127.5))


def saturation(factor: float) -> Step:
    """Return a step that moves colors away from their gray (above 1), or towards it."""

    def step(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
        luma = gray(rgb, rng, other).astype(np.float32)
        return _rounded(luma + np.float32(factor) * (rgb - luma))

    return step


def gray(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
    """Take the color away (luma of BT.601)."""
    return _pixels(cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))


def blur(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
    """Blur by a Gaussian of 0.5 % of the longer side, at least one pixel."""
    return _pixels(cv2.GaussianBlur(rgb, (0, 0), max(1.0, max(rgb.shape) / 200)))


def sharpen(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
    """Sharpen by an unsharp mask: radius 1.5 pixels, amount 150 %."""
    soft = cv2.GaussianBlur(rgb, (0, 0), 1.5).astype(np.float32)
    return _rounded(rgb + 1.5 * (rgb - soft))


def noise(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
    """Add Gaussian noise of 15 levels to each channel."""
    return _rounded(rgb + 15 * rng.standard_normal(rgb.shape, np.float32))


def crop(share: float) -> Step:
    """Return a step that cuts away a share of the area.

    Chance divides it between width and height, from all to nothing, and then between the two
    sides of each.
    """

    def step(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
        height, width = rgb.shape[:2]
        part = rng.random()
        kept_width = max(1, round(width * (1 - share) ** part))
        kept_height = max(1, round(height * (1 - share) ** (1 - part)))
        left = int(rng.integers(width - kept_width + 1))
        top = int(rng.integers(height - kept_height + 1))
        return rgb[top : top + kept_height, left : left + kept_width]

    return step


def pad(share: float) -> Step:
    """Return a step that adds margins, white or black, of a share of the side to each side."""

    def step(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
        height, width = rgb.shape[:2]
        return _framed(rgb, round(height * share), round(width * share), _either(rng))

    return step


def border(share: float) -> Step:
    """Return a step that adds a colored frame, as wide all around as a share of the shorter side.

    Its inner eighth is white, as a mount has it.
    """

    def step(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
        width = max(2, round(min(rgb.shape[:2]) * share))
        mount = max(1, width // 8)
        hue = np.array([[[rng.integers(180), rng.integers(90, 256), rng.integers(60, 230)]]])
        color = cv2.cvtColor(hue.astype(np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
        framed = _framed(rgb, mount, mount, WHITE)
        return _framed(framed, width - mount, width - mount, tuple(map(int, color)))

    return step


def rotate(degrees: float, whole: bool) -> Step:
    """Return a step that turns left or right by chance.

    `whole`: the canvas grows until it holds the image, its corners are white, as drawing
    programs do. Otherwise the canvas stays, cuts the image's corners, and has black ones, as
    programs that straighten photographs or augment them do.
    """

    def step(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
        height, width = rgb.shape[:2]
        angle = float(rng.choice([-degrees, degrees]))
        center = ((width - 1) / 2, (height - 1) / 2)
        matrix = cv2.getRotationMatrix2D(center, angle, 1)
        size = (width, height)
        if whole:
            cosine, sine = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
            size = (
                math.ceil(width * cosine + height * sine),
                math.ceil(width * sine + height * cosine),
            )
            matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
        fill = WHITE if whole else BLACK
        return _pixels(cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_CUBIC, borderValue=fill))

    return step


def quarter_turns(*choices: int) -> Step:
    """Return a step that turns by one of so many quarters."""

    def step(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
        return np.ascontiguousarray(np.rot90(rgb, int(rng.choice(choices))))

    return step


def mirror(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
    """Swap left and right."""
    return np.ascontiguousarray(rgb[:, ::-1])


def text(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
    """Write a caption at the top, at the bottom or two at both.

    White letters outlined in black, an eighth of the height at most, in a line of 92 % of the
    width at most.
    """
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image)
    chosen = rng.permutation(len(WORDS))[:2]
    places = [("top",), ("bottom",), ("top", "bottom")][int(rng.integers(3))]
    for place_, word in zip(places, chosen, strict=False):
        words = WORDS[int(word)]
        size = rgb.shape[0] / 8
        size *= min(1, 0.92 * rgb.shape[1] / _font(size).getlength(words))
        outline = max(1, round(size / 14))
        y = rgb.shape[0] * (0.03 if place_ == "top" else 0.97)
        anchor = "mt" if place_ == "top" else "mb"
        draw.text(
            (rgb.shape[1] / 2, y),
            words,
            WHITE,
            _font(size),
            anchor,
            stroke_width=outline,
            stroke_fill=BLACK,
        )
    return np.asarray(image)


def logo(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
    """Draw an emblem of 15 to 20 % of the longer side into a corner or the middle.

    A disc with a ring and a star, of a random color, opaque or half transparent.
    """
    height, width = rgb.shape[:2]
    side = max(8, round(max(height, width) * rng.uniform(0.15, 0.20)))
    stamp = Image.new("RGBA", (4 * side, 4 * side))
    draw = ImageDraw.Draw(stamp)
    color = tuple(int(value) for value in rng.integers(256, size=3))
    alpha = int(rng.choice([128, 255]))
    draw.ellipse((0, 0, 4 * side - 1, 4 * side - 1), (*color, alpha))
    rim = 0.3 * side
    draw.ellipse((rim, rim, 4 * side - rim, 4 * side - rim), None, (*WHITE, alpha), side // 6)
    radii = (1.3 * side, 0.55 * side)
    corners = [(radii[i % 2], math.pi * (i / 5 - 0.5)) for i in range(10)]
    star = [(2 * side + r * math.cos(a), 2 * side + r * math.sin(a)) for r, a in corners]
    draw.polygon(star, (*WHITE, alpha))
    stamp = stamp.resize((side, side), Image.Resampling.LANCZOS)
    across, down = [(0.03, 0.03), (0.97, 0.03), (0.03, 0.97), (0.97, 0.97), (0.5, 0.5)][
        int(rng.integers(5))
    ]
    image = Image.fromarray(rgb)
    image.paste(stamp, (int((width - side) * across), int((height - side) * down)), stamp)
    return np.asarray(image)


def place(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
    """Paste the image, at its size, anywhere on another photograph.

    The other one is enlarged and cut to the image's shape, so that the image takes 40 to
    60 % of its sides.
    """
    height, width = rgb.shape[:2]
    share = rng.uniform(0.4, 0.6)
    canvas = _covering(other(rng), round(width / share), round(height / share))
    left = int(rng.integers(canvas.shape[1] - width + 1))
    top = int(rng.integers(canvas.shape[0] - height + 1))
    canvas[top : top + height, left : left + width] = rgb
    return canvas


def collage(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
    """Put the image, at half its sides, among three others into a grid of two by two.

    The whole is as large as the image was, with white lines between the four.
    """
    height, width = rgb.shape[:2]
    line = max(1, round(min(height, width) / 100))
    tile = (max(1, (width - line) // 2), max(1, (height - line) // 2))
    canvas = np.full_like(rgb, 255)
    own = int(rng.integers(4))
    for number in range(4):
        image = _resized(rgb, *tile) if number == own else _covering(other(rng), *tile)
        top, left = (number // 2) * (tile[1] + line), (number % 2) * (tile[0] + line)
        canvas[top : top + tile[1], left : left + tile[0]] = image
    return canvas


def _table(values: NDArray[np.floating]) -> Step:
    table = np.clip(np.rint(values), 0, 255).astype(np.uint8)

    def step(rgb: Pixels, rng: np.random.Generator, other: Other) -> Pixels:
        return table[rgb]

    return step


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    # The font that Pillow brings along, so that the same letters are drawn everywhere.
    return ImageFont.load_default(size)


def _either(rng: np.random.Generator) -> tuple[int, int, int]:
    return WHITE if rng.integers(2) else BLACK


def _framed(rgb: Pixels, vertical: int, horizontal: int, color: tuple[int, ...]) -> Pixels:
    height, width = rgb.shape[:2]
    canvas = np.empty((height + 2 * vertical, width + 2 * horizontal, 3), np.uint8)
    canvas[:] = color
    canvas[vertical : vertical + height, horizontal : horizontal + width] = rgb
    return canvas


def _covering(rgb: Pixels, width: int, height: int) -> Pixels:
    """Resize and cut to the middle, so that the size is filled without distortion."""
    factor = max(width / rgb.shape[1], height / rgb.shape[0])
    size = (max(width, round(rgb.shape[1] * factor)), max(height, round(rgb.shape[0] * factor)))
    resized = _resized(rgb, *size)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return resized[top : top + height, left : left + width].copy()


def _resized(rgb: Pixels, width: int, height: int) -> Pixels:
    smaller = width <= rgb.shape[1] and height <= rgb.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return _pixels(cv2.resize(rgb, (width, height), interpolation=how))


def _rounded(values: NDArray[np.floating]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _pixels(array: object) -> Pixels:
    return np.asarray(array, np.uint8)
