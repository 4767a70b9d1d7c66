"""Decoded images: their type, their working sizes, and which way is up."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""An upright RGB image: shape (height, width, 3)."""

WORKING_SIZES = (128, 256, 512, 1024)
"""The working sizes that a descriptor may ask for: the longest side, in pixels."""

MAX_PIXELS = 256_000_000
"""Images with more pixels than this are refused from their header, before any decoding."""


def fit(image: Pixels, size: int) -> Pixels:
    """Shrink `image` by area averaging so that its longest side is at most `size`.

    Examples
    --------
    >>> fit(np.zeros((300, 600, 3), np.uint8), 128).shape
    (64, 128, 3)
    >>> fit(np.zeros((30, 60, 3), np.uint8), 128).shape
    (30, 60, 3)
    """
    height, width = image.shape[:2]
    return resized(image, fitted_size(width, height, size))


def fitted_size(width: int, height: int, size: int) -> tuple[int, int]:
    """Return width and height with the longest side at most `size`."""
    longest = max(width, height)
    if longest <= size:
        return width, height
    return max(1, round(width * size / longest)), max(1, round(height * size / longest))


def resized(image: Pixels, size: tuple[int, int]) -> Pixels:
    """Return `image` at a width and height, by area averaging."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def upright(image: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation (Exif 2.32, tag 0x0112), of one channel or several.

    Examples
    --------
    >>> upright(np.array([[1, 2], [3, 4]], np.uint8), 6).tolist()
    [[3, 1], [4, 2]]
    """
    if orientation == 1:
        return image
    if orientation > 4:
        image = image.swapaxes(0, 1)
    columns, rows = (-1 if is_reversed else 1 for is_reversed in reversals(orientation))
    return np.ascontiguousarray(image[::rows, ::columns])


def reversals(orientation: int) -> tuple[bool, bool]:
    """Say whether an EXIF orientation reverses the columns and the rows of the upright image."""
    return orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)
