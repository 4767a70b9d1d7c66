"""Dense local descriptors: what small squares of an image look like, all over it.

An image is averaged over square cells of several sizes, and a patch is a block of neighboring
cells. Patches share their cells, so that thousands of them cost little more than the averages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.arrays import FloatArray
from cbir.images.pixels import Pixels

COLOR_CELLS, COLOR_VALUES = 2, 24
"""A color patch has 2 × 2 cells, each with the means and the deviations of L, a and b."""

GRADIENT_CELLS, DIRECTIONS, GRADIENT_VALUES = 4, 8, 128
"""A gradient patch has 4 × 4 cells, each with 8 directions, like SIFT."""

_COLOR_SIDES = ((2, 2), (4, 1), (8, 1))
"""Sides of the cells, in pixels, and from one patch to the next, in cells."""

_GRADIENT_SIDES = ((4, 2), (8, 1))

_LEAST_SIDE = 32
"""Pixels; what is smaller is enlarged, so that each image has patches of every size."""

_FAINT = 10 / 255
"""Sum of a patch's 128 mean gradients below which it counts as noise rather than as edges."""


@dataclass(frozen=True, slots=True)
class Patches:
    """The patches of one image.

    Attributes
    ----------
    values : ndarray of float32, shape (n, d)
        From 0 to 1.
    places : ndarray of float32, shape (n, 2)
        x and y of the centers, as shares of the sides of what the cells cover: of the image but
        for a few pixels at its borders.
    """

    values: FloatArray
    places: FloatArray


@dataclass(frozen=True, slots=True)
class PatchExtractor:
    """A kind of dense local descriptor.

    Attributes
    ----------
    dimension : int
        Numbers of a patch.
    extract : callable
        Returns the :class:`Patches` of an RGB image.
    mirrored : callable
        Returns what the values of patches are when the image is mirrored left to right.
    """

    dimension: int
    extract: Callable[[Pixels], Patches]
    mirrored: Callable[[FloatArray], FloatArray]


def color_patches(image: Pixels) -> Patches:
    """Describe the colors of patches of 4, 8 and 16 pixels.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB.

    Returns
    -------
    Patches
        With 24 values: of the cells, row by row, the means of L, a and b and their deviations,
        255 levels being 1.

    References
    ----------
    F. Perronnin, J. Sánchez, T. Mensink, "Improving the Fisher kernel for large-scale image
    classification", ECCV 2010, for local color statistics; there in RGB, on 4 × 4 cells.

    Examples
    --------
    >>> patches = color_patches(np.full((64, 64, 3), 255, np.uint8))
    >>> patches.values[0, :6].round(2).tolist()
    [1.0, 0.5, 0.5, 0.0, 0.0, 0.0]
    """
    lab = np.float32(1 / 255) * cv2.cvtColor(_large_enough(image), cv2.COLOR_RGB2LAB)
    square = np.square(lab)
    found = []
    for side, step in _COLOR_SIDES:
        mean, variance = _cells(lab, side), _cells(square, side)
        variance -= np.square(mean)
        deviation = np.sqrt(np.maximum(variance, 0, out=variance), out=variance)
        found.append(_patches(np.dstack([mean, deviation]), COLOR_CELLS, step))
    return _together(found)


def gradient_patches(image: Pixels) -> Patches:
    """Describe the gradients of patches of 16 and 32 pixels, as RootSIFT does.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB.

    Returns
    -------
    Patches
        With 128 values: of the cells, row by row, the roots of the shares of 8 directions. The
        shares of a patch have the sum 1, less where there is hardly any edge.

    References
    ----------
    D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004;
    R. Arandjelović, A. Zisserman, "Three things everyone should know to improve object retrieval",
    CVPR 2012, for the roots. There is no Gaussian window and no clipping here; cells overlap by
    triangular windows, and faint patches are not blown up to full contrast.

    Examples
    --------
    >>> gradient_patches(np.full((64, 64, 3), 255, np.uint8)).values.any()
    np.False_
    """
    votes = _votes(cv2.cvtColor(_large_enough(image), cv2.COLOR_RGB2GRAY))
    found = []
    for side, step in _GRADIENT_SIDES:
        found.append(_patches(_soft_cells(votes, side), GRADIENT_CELLS, step))
    patches = _together(found)
    strength = patches.values.sum(axis=1, keepdims=True)
    np.divide(patches.values, strength + np.float32(_FAINT), out=patches.values)
    np.sqrt(patches.values, out=patches.values)
    return patches


def mirror_colors(values: FloatArray) -> FloatArray:
    """Return the values that color patches have when the image is mirrored left to right."""
    cells = values.reshape(-1, COLOR_CELLS, COLOR_CELLS, COLOR_VALUES // COLOR_CELLS**2)
    return cells[:, :, ::-1].reshape(values.shape)


def mirror_gradients(values: FloatArray) -> FloatArray:
    """Return the values that gradient patches have when the image is mirrored left to right."""
    cells = values.reshape(-1, GRADIENT_CELLS, GRADIENT_CELLS, DIRECTIONS)
    directions = (DIRECTIONS // 2 - np.arange(DIRECTIONS)) % DIRECTIONS
    return cells[:, :, ::-1, directions].reshape(values.shape)


def _large_enough(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    if min(height, width) >= _LEAST_SIDE:
        return image
    size = (max(width, _LEAST_SIDE), max(height, _LEAST_SIDE))
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def _votes(gray: NDArray[Any]) -> FloatArray:
    """Return each pixel's gradient, shared by the two nearest of 8 directions."""
    scaled = np.float32(1 / 255) * gray
    border = cv2.BORDER_REPLICATE
    right = cv2.Sobel(scaled, cv2.CV_32F, 1, 0, ksize=1, borderType=border)
    down = cv2.Sobel(scaled, cv2.CV_32F, 0, 1, ksize=1, borderType=border)
    strength, angle = map(np.ravel, cv2.cartToPolar(right, down))
    angle = angle * np.float32(DIRECTIONS / (2 * np.pi))
    whole = np.floor(angle)
    upper = (angle - whole) * strength
    first = whole.astype(np.int32)
    votes = np.zeros((gray.size, DIRECTIONS), np.float32)
    flat, row = votes.ravel(), np.arange(0, votes.size, DIRECTIONS)
    # The remainders of a division by DIRECTIONS, much sooner.
    flat[row + (first & DIRECTIONS - 1)] = strength - upper
    flat[row + (first + 1 & DIRECTIONS - 1)] = upper
    return votes.reshape(*gray.shape, DIRECTIONS)


def _cells(channels: FloatArray, side: int) -> FloatArray:
    """Average over square cells; what is left over is cut off on both sides alike."""
    height, width = channels.shape[:2]
    rows, columns = height // side, width // side
    top, left = (height - rows * side) // 2, (width - columns * side) // 2
    inside = channels[top : top + rows * side, left : left + columns * side]
    return cv2.resize(inside, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _soft_cells(votes: FloatArray, side: int) -> FloatArray:
    """Average over cells with windows that overlap those of their neighbors by half."""
    halves = _cells(votes, side // 2)
    window = np.array([1, 2, 2, 1], np.float32) / 6
    soft = cv2.sepFilter2D(halves, -1, window, window, anchor=(1, 1))
    return soft[: halves.shape[0] // 2 * 2 : 2, : halves.shape[1] // 2 * 2 : 2]  # type: ignore[return-value]


def _patches(cells: FloatArray, side: int, step: int) -> Patches:
    """Join each block of `side` × `side` cells, from one block to the next `step` cells on."""
    rows, columns = cells.shape[0] - side + 1, cells.shape[1] - side + 1
    parts = [
        cells[y : y + rows : step, x : x + columns : step] for y in range(side) for x in range(side)
    ]
    values = np.concatenate(parts, axis=2)
    y = (np.arange(0, rows, step) + side / 2) / cells.shape[0]
    x = (np.arange(0, columns, step) + side / 2) / cells.shape[1]
    places = np.stack(np.broadcast_arrays(x[None], y[:, None]), axis=2)
    count = values.shape[0] * values.shape[1]
    return Patches(values.reshape(count, -1), places.reshape(count, 2).astype(np.float32))


def _together(found: Sequence[Patches]) -> Patches:
    return Patches(
        np.concatenate([patches.values for patches in found]),
        np.concatenate([patches.places for patches in found]),
    )


COLOR_PATCHES = PatchExtractor(COLOR_VALUES, color_patches, mirror_colors)
GRADIENT_PATCHES = PatchExtractor(GRADIENT_VALUES, gradient_patches, mirror_gradients)
