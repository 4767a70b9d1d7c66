"""PHOG: directions of edges in the whole image, its quarters and its sixteenths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import STEPS, Descriptor, Encoding, as_roots
from cbir.descriptors.global_features.spatial_grid import first_bins
from cbir.images.pixels import WORKING_SIZES, Pixels

_DIRECTIONS = 16
"""Bins of the full circle."""

_CELLS = 4
"""Cells a side, of which the regions of all levels are made."""

_REGIONS = 1 + 4 + 16

_HALVINGS = 3
"""Between the scale of edges and that of outlines."""

_PLAIN = 8.0
"""Gray levels a pixel that the share of what is plain counts as: keeps the noise of an image with
few edges from being scaled up, and tells it from one with many."""


@dataclass(frozen=True)
class Phog(Descriptor):
    """Pyramid of histograms of oriented gradients, of two scales.

    Gradients vote for their direction (the full circle in 16 bins, a vote shared by the two
    nearest), weighted by their magnitude, in the whole image, its quarters and its sixteenths.
    Each of these levels is a histogram with one more bin, not stored, for what is plain: it holds
    as much as gradients of 8 gray levels a pixel would give everywhere. The same is done with the
    image at an eighth of its sides, where outlines remain.

    References
    ----------
    A. Bosch, A. Zisserman, X. Muñoz, "Representing shape with a spatial pyramid kernel", CIVR
    2007. It departs from the paper in taking all gradients, not those at Canny's edges; in the
    second scale; in the share of what is plain; and in storing the roots of the shares.

    Examples
    --------
    >>> step = np.zeros((256, 256, 3), np.uint8)
    >>> step[:, 128:] = 200  # brighter to the right: direction 0, between the bins 15 and 0
    >>> row = Phog().describe(step)
    >>> row.shape, np.flatnonzero(row[:16]).tolist()
    ((672,), [0, 15])
    """

    name: ClassVar[str] = "phog"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "directions of edges and where they are: shapes, products, buildings"
    metrics: ClassVar[tuple[str, ...]] = ("manhattan", "euclidean", "chi2", "cosine")
    meaning: ClassVar[str] = "0 = the same edges; unrelated images are about 20 apart"
    dimension: ClassVar[int] = 2 * _REGIONS * _DIRECTIONS
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)
    # Manhattan distances of roots rank better than those of their squares.
    encoding: ClassVar[Encoding] = STEPS
    # At the smallest, fine edges are lost.
    working_size: ClassVar[int | None] = WORKING_SIZES[1]

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        edges = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        outlines = edges
        for _ in range(_HALVINGS):
            outlines = cv2.pyrDown(outlines)
        return np.concatenate([*_levels(votes(edges)), *_levels(votes(outlines))])


def votes(gray: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean vote of a cell's pixels for each direction.

    Parameters
    ----------
    gray : ndarray of uint8, shape (height, width)

    Returns
    -------
    ndarray of float64, shape (4, 4, 16)
        Gray levels a pixel, times the share of the image that the cell is. The first bin
        begins where the image is brighter to the right; the next ones turn towards below.

    Examples
    --------
    >>> ramp = np.repeat(np.arange(0, 160, 5, dtype=np.uint8)[None], 32, axis=0)
    >>> np.round(votes(ramp).sum(axis=(0, 1)), 2)[[0, 1, 15]]
    array([2.42, 0.  , 2.42])
    """
    across, down = (
        cv2.Sobel(gray, cv2.CV_32F, x, 1 - x, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
        for x in (1, 0)
    )
    magnitude, angle = cv2.cartToPolar(across, down)
    # The centers of the bins lie half a bin on: the vote is shared with the bin before.
    place = angle.ravel() * np.float32(_DIRECTIONS / (2 * np.pi)) + np.float32(0.5)
    after = place.astype(np.intp)
    weight = magnitude.ravel() / gray.size
    shared = weight * (place - after)
    first = first_bins(*gray.shape, _CELLS, _DIRECTIONS).ravel()
    bins = _CELLS**2 * _DIRECTIONS
    total: NDArray[Any] = np.bincount(first + after % _DIRECTIONS, shared, bins)
    total += np.bincount(first + (after - 1) % _DIRECTIONS, weight - shared, bins)
    return total.reshape(_CELLS, _CELLS, _DIRECTIONS)


def _levels(cells: NDArray[np.float64]) -> list[NDArray[np.uint8]]:
    """Return the roots of the shares of all regions: of the whole, the quarters, the cells."""
    levels = []
    for side in (1, 2, 4):
        length = _CELLS // side
        blocks = cells.reshape(side, length, side, length, _DIRECTIONS).sum(axis=(1, 3))
        levels.append(as_roots(np.append(blocks, _PLAIN))[:-1])
    return levels
