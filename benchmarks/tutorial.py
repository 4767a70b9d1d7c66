"""What tutorials on image search do: a histogram in HSV over five regions, written as CSV.

One image after the other, by OpenCV's calls, in Python: what the quickest of scripts is compared
with. It takes an image at full size, in the corners and the ellipse in its middle, by 8 x 12 x 3
bins that are normalized.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from cbir.images.pixels import Pixels

_BINS, _RANGES = [8, 12, 3], [0, 180, 0, 256, 0, 256]


def index(paths: Iterable[str], index: Path) -> None:
    """Describe images, a line of CSV each."""
    with open(index, "w", encoding="utf-8") as file:
        for path in paths:
            image = cv2.imread(path)
            assert image is not None
            numbers = [str(number) for number in _described(np.asarray(image, np.uint8))]
            file.write(",".join([path, *numbers]) + "\n")


def _described(image: Pixels) -> list[float]:
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    height, width = hsv.shape[:2]
    middle = (width // 2, height // 2)
    ellipse = np.zeros((height, width), np.uint8)
    axes = (int(width * 0.75) // 2, int(height * 0.75) // 2)
    cv2.ellipse(ellipse, middle, axes, 0, 0, 360, 255, -1)
    numbers: list[float] = []
    for top, bottom in ((0, middle[1]), (middle[1], height)):
        for left, right in ((0, middle[0]), (middle[0], width)):
            corner = np.zeros((height, width), np.uint8)
            cv2.rectangle(corner, (left, top), (right, bottom), 255, -1)
            numbers += _histogram(hsv, cv2.subtract(corner, ellipse))
    return numbers + _histogram(hsv, ellipse)


def _histogram(hsv: cv2.typing.MatLike, mask: cv2.typing.MatLike) -> list[float]:
    counts = cv2.calcHist([hsv], [0, 1, 2], mask, _BINS, _RANGES)
    return cv2.normalize(counts, np.empty_like(counts)).ravel().tolist()
