"""Designs covers, as those of books, records and films: pictures, titles and small text on paper.

Pixels are RGB arrays of uint8, shape (height, width, 3).
"""

from __future__ import annotations

import cv2
import numpy as np
from scenes import Pixels, Rng, resized

FORMATS = ((560, 560), (450, 640), (420, 640))
"""Width and height of a record, a film and a book."""

_CAPITALS = "ABCDEFGHIKLMNOPRSTUVWY"
_SMALL = "abcdefghiklmnoprstuvwy"
_FACES = (
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
    cv2.FONT_HERSHEY_SIMPLEX,
)
_LARGEST_TITLE = 0.11
"""The height of its letters over that of the cover."""

Ink = tuple[int, int, int]


def designed_cover(main: Pixels, inset: Pixels, rng: Rng) -> Pixels:
    """Return a cover with a picture, mostly a smaller one besides, a title and small text.

    Parameters
    ----------
    main, inset : ndarray
        The pictures; what does not fit is cut off.
    rng : Generator
    """
    width, height = FORMATS[int(rng.integers(len(FORMATS)))]
    paper = rng.integers(0, 256, 3)
    page = np.full((height, width, 3), paper, np.uint8)
    ink = _contrasting(paper)
    margins = rng.choice([0, 0, 0.05, 0.1]), rng.choice([0, 0.12, 0.22])
    left, top = int(margins[0] * width), int(margins[1] * height)
    page[top : height - top // 2, left : width - left] = filling(
        main, width - 2 * left, height - top - top // 2
    )
    if rng.random() < 0.7:
        _put_inset(page, inset, ink, rng)
    _put_title(page, 0.13, ink, rng)
    if rng.random() < 0.6:
        _put_title(page, rng.uniform(0.3, 0.7), _contrasting(255 - paper), rng)
    _put_text(page, rng)
    _put_line(page, _word(_CAPITALS, rng), (0.05, 0.96), rng.uniform(0.3, 0.9), ink, rng)
    if rng.random() < 0.5:
        _put_bars(page, rng)
    return page


def filling(rgb: Pixels, width: int, height: int) -> Pixels:
    """Return the largest middle part of an image that has these proportions, at this size."""
    factor = max(width / rgb.shape[1], height / rgb.shape[0])
    grown = resized(
        rgb, max(width, round(factor * rgb.shape[1])), max(height, round(factor * rgb.shape[0]))
    )
    top, left = (grown.shape[0] - height) // 2, (grown.shape[1] - width) // 2
    return grown[top : top + height, left : left + width]


def _put_inset(page: Pixels, inset: Pixels, ink: Ink, rng: Rng) -> None:
    height, width = page.shape[:2]
    wide, tall = (rng.uniform(0.25, 0.5, 2) * (width, height)).astype(int)
    left = int(rng.uniform(0.04, 0.96 - wide / width) * width)
    top = int(rng.uniform(0.2, 0.9 - tall / height) * height)
    page[top : top + tall, left : left + wide] = filling(inset, wide, tall)
    cv2.rectangle(page, (left, top), (left + wide, top + tall), ink, 3)


def _put_title(page: Pixels, baseline: float, ink: Ink, rng: Rng) -> None:
    """Print a title; sometimes it is on a band of another color."""
    height = len(page)
    if rng.random() < 0.35:
        band = rng.integers(0, 256, 3)
        page[int((baseline - 0.12) * height) : int((baseline + 0.025) * height)] = band
        ink = _contrasting(band)
    words = " ".join(_word(_CAPITALS, rng) for _ in range(int(rng.integers(1, 3))))
    _put_line(page, words, (0.05, baseline), rng.uniform(0.6, 0.9), ink, rng)


def _put_line(
    page: Pixels, words: str, at: tuple[float, float], share: float, ink: Ink, rng: Rng
) -> None:
    """Print a line that takes a share of the width, unless it were too high."""
    height, width = page.shape[:2]
    face = int(rng.choice(_FACES))
    (wide, tall), _ = cv2.getTextSize(words, face, 1, 3)
    scale = min(share * width / wide, _LARGEST_TITLE * height / tall)
    place = round(at[0] * width), round(at[1] * height)
    cv2.putText(page, words, place, face, scale, ink, int(rng.integers(2, 5)), cv2.LINE_AA)


def _put_text(page: Pixels, rng: Rng) -> None:
    """Print a paragraph on a box of its own."""
    height, width = page.shape[:2]
    lines, step = int(rng.integers(3, 8)), height // 38
    left = int(rng.uniform(0.04, 0.5) * width)
    top = int(rng.uniform(0.2, 0.68) * height)
    box = rng.integers(0, 256, 3)
    page[top : top + (lines + 1) * step, left : left + int(0.42 * width)] = box
    for line in range(1, lines + 1):
        words = " ".join(_word(_SMALL, rng) for _ in range(3))[:20]
        place = left + 6, top + line * step
        face = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(page, words, place, face, width / 1100, _contrasting(box), 1, cv2.LINE_AA)


def _put_bars(page: Pixels, rng: Rng) -> None:
    """Print a bar code."""
    height, width = page.shape[:2]
    left, top = int(0.7 * width), int(0.8 * height)
    page[top : top + height // 10, left : left + width // 4] = 250
    for x in 4 + 2 * np.flatnonzero(rng.random(width // 8 - 4) < 0.5):
        page[top + 4 : top + height // 10 - 4, left + x : left + x + 2] = 10


def _word(letters: str, rng: Rng) -> str:
    return "".join(rng.choice(list(letters), int(rng.integers(3, 9))))


def _contrasting(color: np.ndarray) -> Ink:
    """Return black or white, whichever is farther."""
    level = 0 if float(np.mean(color)) > 127 else 255
    return level, level, level
