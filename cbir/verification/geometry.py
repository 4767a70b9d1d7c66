"""Affine transforms between the pixels of two images, which are counted from their centers."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Transform = NDArray[np.float64]
"""Shape (2, 3): maps ``(x, y, 1)`` of the first image to ``(x, y)`` of the second."""


def scale_of(transform: Transform) -> float:
    """Return by how much a transform enlarges.

    Examples
    --------
    >>> scale_of(np.array([[0.0, -2.0, 5.0], [2.0, 0.0, 1.0]]))
    2.0
    """
    return float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))


def inverted(transform: Transform) -> Transform:
    """Return the transform that leads back."""
    return np.asarray(cv2.invertAffineTransform(transform), np.float64)


def pixels_inside(
    shape: Sequence[int], transform: Transform, other: Sequence[int]
) -> NDArray[np.bool_]:
    """Say which pixels of an image of one shape lie in one of another, where a transform puts them.

    Examples
    --------
    >>> pixels_inside((1, 4), np.array([[1.0, 0, 2], [0, 1, 0]]), (1, 4)).tolist()
    [[True, True, False, False]]
    """
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    x, y = (a * columns + b * rows + c for a, b, c in transform)
    height, width = other[:2]
    # A pixel's center is half a pixel away from the edge.
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return np.asarray(inside, np.bool_)


def unmirrored(transform: Transform, width: int) -> Transform:
    """Turn a transform into a mirrored image into one into the image itself.

    Examples
    --------
    >>> unmirrored(np.array([[1.0, 0, 2], [0, 1, 0]]), 10).tolist()
    [[-1.0, 0.0, 7.0], [0.0, 1.0, 0.0]]
    """
    mirror = np.array([[-1.0, 0.0, width - 1], [0.0, 1.0, 0.0]])
    product = mirror[:, :2] @ transform
    product[:, 2] += mirror[:, 2]
    return product + 0.0


def orientation_transform(
    first: Sequence[int], second: Sequence[int], orientation: int
) -> Transform:
    """Return the transform from an image to one that was turned and resized.

    Parameters
    ----------
    first, second : sequence of int
        Their shapes: height and width come first.
    orientation : int
        Number of the orientation that `second` is in.

    Examples
    --------
    >>> orientation_transform((10, 20), (10, 20), 1).tolist()
    [[-1.0, 0.0, 19.0], [0.0, 1.0, 0.0]]
    """
    # Columns: what becomes of a step to the right and of a step down, in units of the sides.
    right = -1.0 if orientation in (1, 2, 5, 6) else 1.0
    down = -1.0 if orientation in (2, 3, 6, 7) else 1.0
    linear = np.diag([right, down])
    if orientation > 3:  # transposed as well
        linear = linear[::-1]
    height, width = first[:2]
    high, wide = second[:2]
    linear *= np.array([[wide], [high]]) / np.array([width, height])
    # The center stays the center; pixels are counted from their own centers.
    shift = np.array([wide - 1, high - 1]) / 2 - linear @ (np.array([width - 1, height - 1]) / 2)
    return np.column_stack([linear, shift])
