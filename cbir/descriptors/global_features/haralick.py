"""Haralick's textural features: how gray levels go together at some distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import STEPS, Descriptor, Encoding
from cbir.descriptors.global_features.spatial_grid import Place, over_regions, regions_of
from cbir.images.pixels import Pixels

_LEVELS = 16
"""Gray levels that are told apart."""

_DISTANCES = (1, 2, 4)
"""Pixels."""

_ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)

_REGIONS = regions_of("grid")

_HALF_RANGE = (_LEVELS - 1) / 2

_PROPERTIES = ("contrast", "homogeneity", "energy", "correlation", "mean", "std")
"""As scikit-image calls them."""


@dataclass(frozen=True)
class Haralick(Descriptor):
    """Features of gray-level co-occurrence matrices, with spatial layout.

    A matrix counts the pairs of 16 gray levels at a distance in a direction. Of each, six
    features: contrast (its root), homogeneity, energy, correlation, mean and deviation; as the
    mean and the range over four directions, at distances of 1, 2 and 4 pixels, in the whole image,
    its four quarters and its center. All are scaled to 0 to 1.

    References
    ----------
    R. Haralick, K. Shanmugam, I. Dinstein, "Textural features for image classification", IEEE
    Trans. SMC 3(6), 1973; matrices and features as scikit-image has them. It departs from the
    paper in taking 6 of 14 features, those that helped, in several distances, and in the regions.

    Examples
    --------
    >>> row = Haralick().describe(np.full((64, 64, 3), 255, np.uint8))
    >>> row[:36:6].tolist()  # contrast, homogeneity, energy, correlation, mean, deviation
    [0, 255, 255, 255, 255, 0]
    """

    name: ClassVar[str] = "haralick"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "coarseness, contrast and brightness of textures, in a few bytes"
    metrics: ClassVar[tuple[str, ...]] = ("manhattan", "euclidean", "cosine")
    meaning: ClassVar[str] = "0 = textures of one kind; unrelated images are about 17 apart"
    dimension: ClassVar[int] = _REGIONS * len(_PROPERTIES) * len(_DISTANCES) * 2
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)
    encoding: ClassVar[Encoding] = STEPS

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        levels = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) // (256 // _LEVELS)
        features = texture_features(_pairs(np.asarray(levels, np.uint8)))
        summary = np.stack([features.mean(axis=-1), np.ptp(features, axis=-1)], axis=-1)
        return np.rint(255 * summary).astype(np.uint8).ravel()


def texture_features(pairs: NDArray[Any]) -> NDArray[np.float64]:
    """Return the features of co-occurrence matrices, each within 0 to 1.

    Parameters
    ----------
    pairs : ndarray, shape (regions, levels, levels, distances, angles)
        Counts of pairs.

    Returns
    -------
    ndarray of float64, shape (regions, features, distances, angles)
    """
    from skimage.feature import graycoprops

    regions, *_, distances, angles = pairs.shape
    # Those of all regions at once, as if they were more angles.
    matrices = np.concatenate(list(pairs), axis=-1)
    found = {name: graycoprops(matrices, name) for name in _PROPERTIES}
    # Few images reach half of the largest contrast.
    found["contrast"] = np.sqrt(found["contrast"]) / _HALF_RANGE
    found["mean"] = found["mean"] / (_LEVELS - 1)
    found["std"] = found["std"] / _HALF_RANGE
    features = np.stack(list(found.values())).reshape(-1, distances, regions, angles)
    return np.clip(features, 0, 1).transpose(2, 0, 1, 3)


def _pairs(levels: NDArray[np.uint8]) -> NDArray[Any]:
    """Count the pairs of levels in each region: regions, level, level, distance, angle."""
    from skimage.feature import graycomatrix

    shape = (_LEVELS, _LEVELS, len(_DISTANCES), len(_ANGLES))

    def count(place: Place) -> NDArray[Any]:
        if levels[place].size == 0:  # a half of an image one pixel wide
            return np.zeros(shape, np.uint32)
        part = np.ascontiguousarray(levels[place])
        return graycomatrix(part, _DISTANCES, _ANGLES, levels=_LEVELS, symmetric=True)

    return over_regions("grid", levels.shape, count)
