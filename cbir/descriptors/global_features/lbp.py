"""Local binary patterns: what lies on circles around every pixel, counted by region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import STEPS, Descriptor, Encoding, as_roots
from cbir.descriptors.global_features.spatial_grid import Place, over_regions, regions_of
from cbir.images.pixels import Pixels

_RADII = (1, 2, 4)
"""Of the circles, in pixels."""

_POINTS = 8

_BINS = _POINTS * (_POINTS - 1) + 3
"""Uniform patterns, each turned one by itself, and one for all others."""


@dataclass(frozen=True)
class LocalBinaryPatterns(Descriptor):
    """Local binary patterns of three radii, with spatial layout.

    A pixel's pattern has a bit for each of 8 points on a circle around it: 1 where the image is at
    least as bright there. Patterns are counted, uniform ones (at most two changes between 0 and 1
    around the circle) each by itself and all others together, in the whole image, its four
    quarters and its center; for circles of 1, 2 and 4 pixels.

    References
    ----------
    T. Ojala, M. Pietikäinen, T. Mäenpää, "Multiresolution gray-scale and rotation invariant
    texture classification with local binary patterns", PAMI 24(7), 2002; as scikit-image has it.
    It departs from the paper in telling turned patterns apart, in the regions, and in comparing
    the roots of the shares by the Manhattan distance.

    Examples
    --------
    >>> row = LocalBinaryPatterns().describe(np.full((64, 64, 3), 99, np.uint8))
    >>> row.shape, np.flatnonzero(row[:59]).tolist()  # everything is as bright as anything
    ((1062,), [57])
    """

    name: ClassVar[str] = "lbp"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "fine textures and where they are, whatever the light: materials"
    metrics: ClassVar[tuple[str, ...]] = ("manhattan", "chi2", "euclidean", "cosine")
    meaning: ClassVar[str] = "0 = the same textures; unrelated images are about 37 apart"
    dimension: ClassVar[int] = len(_RADII) * regions_of("grid") * _BINS
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)
    encoding: ClassVar[Encoding] = STEPS

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return np.concatenate([_by_region(pattern_bins(gray, radius)) for radius in _RADII])


def pattern_bins(gray: NDArray[Any], radius: int) -> NDArray[np.intp]:
    """Return the bin of every pixel's pattern.

    Parameters
    ----------
    gray : ndarray of uint8, shape (height, width)
        Beyond its edges it goes on like the pixels there.
    radius : int
        Of the circle, in pixels.

    Returns
    -------
    ndarray of int, shape (height, width)
        The last of the 59 bins is that of all patterns that are not uniform.

    Examples
    --------
    >>> pattern_bins(np.zeros((2, 2), np.uint8), 1).tolist()
    [[57, 57], [57, 57]]
    """
    from skimage.feature import local_binary_pattern

    wide = cv2.copyMakeBorder(gray, *(radius,) * 4, cv2.BORDER_REPLICATE)
    patterns = local_binary_pattern(wide, _POINTS, radius, "nri_uniform")
    return patterns[radius:-radius, radius:-radius].astype(np.intp)


def _by_region(bins: NDArray[np.intp]) -> NDArray[np.uint8]:
    def count(place: Place) -> NDArray[np.intp]:
        return np.bincount(bins[place].ravel(), minlength=_BINS)

    return as_roots(over_regions("grid", bins.shape, count)).ravel()
