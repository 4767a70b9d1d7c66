"""The color autocorrelogram."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UsageError
from cbir.descriptors.base import Descriptor, Encoding, as_roots
from cbir.descriptors.global_features.hsv_histogram import hsv_cells
from cbir.descriptors.global_features.spatial_grid import Layout, Place, over_regions, regions_of
from cbir.images.pixels import Pixels

_BINS = (8, 4, 4)
"""Of hue, saturation and value."""

_COLORS = math.prod(_BINS)

_NO_COLOR = 255
"""What lies around the image."""

_FARTHEST = 31
"""Pixels; the 8 × 31 neighbors can be counted in a byte."""


@dataclass(frozen=True)
class Correlogram(Descriptor):
    """Color autocorrelogram: which colors there are, and which of them lie in patches.

    The colors are 8 × 4 × 4 cells of HSV. For every pixel, the share of its neighbors of the same
    color is taken, among those on the square at a distance. Each region gives, for each color,
    the probability that a pixel has it and a neighbor has it as well, then that a pixel has it and
    a neighbor has not. The roots of these probabilities are compared: large areas count less.

    Parameters
    ----------
    layout : {"grid", "none"}
        ``grid``: the whole image, its four quarters and its center; ``none``: the whole image.
    distance : int
        Pixels, 1 to 31, in an image of 128 pixels.

    References
    ----------
    J. Huang, S. R. Kumar, M. Mitra, W.-J. Zhu, R. Zabih, "Image indexing using color
    correlograms", CVPR 1997; in regions, as the LIRE library has it, http://www.lire-project.net.
    It departs from the paper in three ways. The probabilities are joint, not conditional on the
    pixel's color: those of rare colors are noise. They are compared by the chi-squared distance of
    their roots. And there is one distance, not four (1, 3, 5 and 7), which found hardly more at
    four times the size.

    Examples
    --------
    >>> halves = np.zeros((64, 64, 3), np.uint8)
    >>> halves[:, 32:] = 255
    >>> row = Correlogram(layout="none").describe(halves)
    >>> np.flatnonzero(row).tolist(), row[[0, 3]].tolist()
    ([0, 3, 128, 131], [171, 171])
    """

    name: ClassVar[str] = "correlogram"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "colors, whether they lie in patches, and where: scenes, products"
    metrics: ClassVar[tuple[str, ...]] = ("chi2", "manhattan", "euclidean", "cosine")
    meaning: ClassVar[str] = (
        "0 = the same colors in the same places; unrelated photographs: about 3"
    )
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)

    layout: Layout = "grid"
    distance: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.distance <= _FARTHEST:
            raise UsageError(f"correlogram: distance={self.distance} must be 1 to {_FARTHEST}")

    @property
    def dimension(self) -> int:
        """Regions × 2 × colors."""
        return regions_of(self.layout) * 2 * _COLORS

    @property
    def encoding(self) -> Encoding:
        """Roots of probabilities, over the number of regions."""
        return Encoding(1 / (255 * regions_of(self.layout)))

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        cells = hsv_cells(image, _BINS)
        agreements = _agreements(cells, self.distance)

        def count(place: Place) -> NDArray[np.float32]:
            return _counts(cells[place], agreements[place], 8 * self.distance)

        return as_roots(over_regions(self.layout, cells.shape, count)).ravel()


def _agreements(cells: NDArray[np.uint8], distance: int) -> NDArray[np.uint8]:
    """Count, for each pixel, the neighbors of its color on the square at `distance`."""
    height, width = cells.shape
    border = [distance] * 4
    padded = cv2.copyMakeBorder(cells, *border, cv2.BORDER_CONSTANT, value=_NO_COLOR)  # type: ignore[call-overload]
    agreements = np.zeros(cells.shape, np.uint8)
    same = np.empty(cells.shape, bool)
    for down, right in _square(distance):
        np.equal(cells, padded[down : down + height, right : right + width], out=same)
        agreements += same.view(np.uint8)
    return agreements


def _square(distance: int) -> list[tuple[int, int]]:
    """List the places on the border of a square of side 2 × `distance` + 1."""
    side = range(2 * distance + 1)
    return [
        (down, right)
        for down in side
        for right in side
        if down in (0, 2 * distance) or right in (0, 2 * distance)
    ]


def _counts(
    cells: NDArray[np.uint8], agreements: NDArray[np.uint8], neighbors: int
) -> NDArray[np.float32]:
    """Count the pixels of each color, by the share of neighbors that agree and that do not."""
    if cells.size == 0:  # a half of an image one pixel wide
        return np.zeros(2 * _COLORS, np.float32)
    sizes, limits = [_COLORS, neighbors + 1], [0, _COLORS, 0, neighbors + 1]
    table = cv2.calcHist([cells, agreements], [0, 1], None, sizes, limits)
    shares = np.arange(neighbors + 1, dtype=np.float32) / neighbors
    return np.concatenate([(table * shares).sum(axis=1), (table * shares[::-1]).sum(axis=1)])
