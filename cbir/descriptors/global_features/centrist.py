"""CENTRIST: what the surroundings of every pixel look like, counted by region."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import STEPS, Descriptor, Encoding, as_roots
from cbir.descriptors.global_features.spatial_grid import first_bins, over_regions, regions_of
from cbir.images.pixels import Pixels

_CENTER = (1, 1)
_NEIGHBORS = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
"""Rows and columns of the neighbors among 3 × 3 blocks: clockwise from the upper left one, which
gives the highest bit."""

_SCALES = (1, 4)
"""Sides of the blocks that are compared, in pixels."""

_STEP = 2
"""Gray levels by which a neighbor must be brighter: less may be noise or a trace of JPEG."""

_UNIFORM = 58
"""Patterns with at most two changes between 0 and 1 around the circle; all others are one bin."""

_BINS = _UNIFORM + 1

_CELLS = 4
"""Cells a side, of which the regions are made."""


@dataclass(frozen=True)
class Centrist(Descriptor):
    """Census transform histogram, of two scales, with spatial layout.

    A pixel's pattern has a bit for each of its eight neighbors: 1 where that is brighter by more
    than 2 gray levels. Patterns are counted, uniform ones (at most two changes between 0 and 1
    around the circle) each by itself and all others together, in the whole image, its four
    quarters and its center. The same is done with the means of 4 × 4 pixels and their neighbors.

    References
    ----------
    J. Wu, J. M. Rehg, "CENTRIST: a visual descriptor for scene categorization", PAMI 33(8),
    2011; T. Ojala, M. Pietikäinen, T. Mäenpää, "Multiresolution gray-scale and rotation
    invariant texture classification with local binary patterns", PAMI 24(7), 2002, for uniform
    patterns; S. Liao et al., "Learning multi-scale block local binary patterns for face
    recognition", ICB 2007, for the means of blocks. It departs from Wu and Rehg in the step that
    a bit takes, in the two scales, in uniform patterns in the place of a PCA of all 256, and in
    the regions, which are 6 in the place of 31.

    Examples
    --------
    >>> row = Centrist().describe(np.full((64, 64, 3), 99, np.uint8))
    >>> row.shape, np.flatnonzero(row[:59]).tolist()  # nothing is brighter than anything
    ((708,), [0])
    """

    name: ClassVar[str] = "centrist"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "textures and where they are, fine and coarse: scenes, materials"
    metrics: ClassVar[tuple[str, ...]] = ("manhattan", "euclidean", "chi2", "cosine")
    meaning: ClassVar[str] = "0 = the same textures; unrelated images are about 30 apart"
    dimension: ClassVar[int] = len(_SCALES) * regions_of("grid") * _BINS
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)
    # Manhattan distances of roots rank better than those of their squares.
    encoding: ClassVar[Encoding] = STEPS

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        counts = [_by_region(census(gray, scale)) for scale in _SCALES]
        return as_roots(np.concatenate(counts)).ravel()


def census(gray: NDArray[Any], scale: int = 1, step: int = _STEP) -> NDArray[np.uint8]:
    """Return the pattern of every pixel: a bit for each neighbor that is brighter by a step.

    Parameters
    ----------
    gray : ndarray of uint8, shape (height, width)
        Beyond its edges it goes on like the pixels there.
    scale : int
        The means of blocks of so many pixels a side are compared, with those of the blocks that
        touch them; 1 to 15.
    step : int
        Gray levels. A bit is 1 where the neighbor exceeds the center by more.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        The upper left neighbor is the highest bit, and the next ones go clockwise.

    Examples
    --------
    >>> census(np.array([[9, 0, 0], [0, 5, 0], [0, 0, 8]], np.uint8))[1, 1]
    np.uint8(136)
    """
    height, width = gray.shape
    reach = 3 * scale - 1
    before, after = reach - reach // 2, reach // 2
    wide = cv2.copyMakeBorder(gray, before, after, before, after, cv2.BORDER_REPLICATE)
    # Sums, not means: whole numbers, so that a step is exactly a step.
    sums = cv2.boxFilter(wide, cv2.CV_16U, (scale, scale), anchor=(0, 0), normalize=False)
    blocks = [
        sums[row * scale : row * scale + height, column * scale : column * scale + width]
        for row, column in (_CENTER, *_NEIGHBORS)
    ]
    least = blocks[0] + np.uint16(step * scale**2)
    return np.packbits([block > least for block in blocks[1:]], axis=0)[0]


@lru_cache
def _bin_of_pattern() -> NDArray[np.intp]:
    """Return the bin of each of the 256 patterns: uniform ones in order, then all others."""
    pattern = np.arange(256)
    turned = pattern >> 1 | (pattern & 1) << 7
    uniform = np.bitwise_count(pattern ^ turned) <= 2
    return np.where(uniform, np.cumsum(uniform) - 1, _UNIFORM)


def _by_region(patterns: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Count the patterns of each region (rows) by bin (columns)."""
    bins = first_bins(*patterns.shape, _CELLS, _BINS) + _bin_of_pattern()[patterns]
    cells = np.bincount(bins.ravel(), minlength=_CELLS**2 * _BINS)
    cells = cells.reshape(_CELLS, _CELLS, _BINS)
    return over_regions("grid", cells.shape, lambda place: cells[place].sum(axis=(0, 1)))
