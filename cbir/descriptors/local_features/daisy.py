"""Dense DAISY descriptors: the directions of edges around places all over an image."""

from __future__ import annotations

import cv2
import numpy as np

from cbir.descriptors.arrays import FloatArray
from cbir.descriptors.local_features.dense import Patches, PatchExtractor
from cbir.images.pixels import Pixels

_RADIUS = 15
"""Pixels from the center of a patch to its outer ring."""

_RINGS, _PETALS, _DIRECTIONS = 2, 6, 8
"""Rings of six places around the center; each place has a histogram of eight directions."""

_VALUES = (1 + _RINGS * _PETALS) * _DIRECTIONS

_STEP = 4
"""Pixels from one patch to the next."""

_FAINT = np.float32(2)
"""Sum of a patch below which it counts as noise rather than as edges; the median is about 20."""

_GAIN = np.float32(2)
"""Roots are rarely above a half."""


def daisy_patches(image: Pixels) -> Patches:
    """Describe the surroundings of every fourth pixel of every fourth row.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB.

    Returns
    -------
    Patches
        With 104 values: of the center and of the places on the rings, from the inner one on, the
        roots of the shares of 8 directions, doubled. The image is mirrored beyond its edges.

    References
    ----------
    E. Tola, V. Lepetit, P. Fua, "DAISY: an efficient dense descriptor applied to wide-baseline
    stereo", PAMI 32(5), 2010; as scikit-image has it. It departs from the paper in the roots, in
    two rings of six in the place of three of eight, and in normalizing a patch as a whole.

    Examples
    --------
    >>> patches = daisy_patches(np.full((9, 4, 3), 255, np.uint8))
    >>> patches.values.shape, patches.values.any()
    ((3, 104), np.False_)
    """
    from skimage.feature import daisy

    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    wide = cv2.copyMakeBorder(gray, *(_RADIUS,) * 4, cv2.BORDER_REFLECT)
    light = np.float32(1 / 255) * wide
    votes = daisy(light, _STEP, _RADIUS, _RINGS, _PETALS, _DIRECTIONS, normalization="off")
    roots = np.sqrt(votes / (votes.sum(axis=2, keepdims=True) + _FAINT))
    values = np.minimum(_GAIN * roots, 1).reshape(-1, _VALUES).astype(np.float32)
    centers = [
        (np.arange(count) * _STEP + 0.5) / length
        for count, length in zip(votes.shape[:2], gray.shape, strict=True)
    ]
    y, x = np.meshgrid(*centers, indexing="ij")
    return Patches(values, np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32))


def mirror_daisies(values: FloatArray) -> FloatArray:
    """Return the values that patches have when the image is mirrored left to right."""
    histograms = values.reshape(-1, 1 + _RINGS * _PETALS, _DIRECTIONS)
    petals = (_PETALS // 2 - np.arange(_PETALS)) % _PETALS
    places = np.concatenate([[0], *(1 + ring * _PETALS + petals for ring in range(_RINGS))])
    # The first direction is to the left, and they are mirrored to each other as the petals are.
    directions = (_DIRECTIONS // 2 - np.arange(_DIRECTIONS)) % _DIRECTIONS
    return histograms[:, places[:, None], directions].reshape(values.shape)


DAISY_PATCHES = PatchExtractor(_VALUES, daisy_patches, mirror_daisies)
