"""Gabor features: how much texture of every fineness and direction there is, and how evenly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import STEPS, Descriptor, Encoding
from cbir.descriptors.global_features.spatial_grid import Place, over_regions, regions_of
from cbir.images.pixels import Pixels

_FREQUENCIES = (0.4, 0.2, 0.1, 0.05)
"""Cycles a pixel: an octave apart."""

_DIRECTIONS = 6

_GAIN = 4
"""The answer to a wave from black to white, at a filter's own frequency, is about a quarter."""


@dataclass(frozen=True)
class Gabor(Descriptor):
    """Means and deviations of the answers of 24 Gabor filters, with spatial layout.

    The filters are of four frequencies, an octave apart, and six directions. Of the magnitude of
    each one's answer, the mean and the deviation are taken in the whole image, its four quarters
    and its center, and their roots stored.

    References
    ----------
    B. S. Manjunath, W. Y. Ma, "Texture features for browsing and retrieval of image data", PAMI
    18(8), 1996; the filters as scikit-image has them. It departs from the paper in the roots, which
    take the place of a division by each number's deviation over the collection, and in the
    regions.

    Examples
    --------
    >>> row = Gabor().describe(np.full((64, 64, 3), 255, np.uint8))
    >>> row.shape, row.any()
    ((288,), np.False_)
    """

    name: ClassVar[str] = "gabor"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "textures by fineness and direction, coarsely where: patterns, scenes"
    metrics: ClassVar[tuple[str, ...]] = ("manhattan", "euclidean", "cosine")
    meaning: ClassVar[str] = "0 = the same textures; unrelated images are about 14 apart"
    dimension: ClassVar[int] = regions_of("grid") * 2 * len(_FREQUENCIES) * _DIRECTIONS
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)
    encoding: ClassVar[Encoding] = STEPS

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        moments = moments_by_region(magnitudes(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)))
        return np.rint(255 * np.sqrt(np.minimum(_GAIN * moments, 1))).astype(np.uint8).ravel()


def magnitudes(gray: NDArray[Any]) -> NDArray[np.float32]:
    """Return the magnitude of each filter's answer at every pixel.

    Parameters
    ----------
    gray : ndarray of uint8, shape (height, width)
        Mirrored beyond its edges.

    Returns
    -------
    ndarray of float32, shape (height, width, 24)
        The finest first, and of one frequency upright stripes first.

    Examples
    --------
    >>> wave = 127 + 127 * np.cos(2 * np.pi * 0.2 * np.arange(64))
    >>> means = magnitudes(np.tile(wave, (64, 1)).astype(np.uint8)).mean(axis=(0, 1))
    >>> int(means.argmax()), round(float(means.max()), 2)
    (6, 0.24)
    """
    light = gray.astype(np.float32) / np.float32(255)
    answers = [
        [cv2.filter2D(light, cv2.CV_32F, part, borderType=cv2.BORDER_REFLECT) for part in kernel]
        for kernel in _kernels()
    ]
    return np.stack([np.hypot(*answer) for answer in answers], axis=-1)


@lru_cache
def _kernels() -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return the real and the imaginary parts of the filters."""
    from skimage.filters import gabor_kernel

    kernels = []
    for frequency in _FREQUENCIES:
        for direction in range(_DIRECTIONS):
            kernel = gabor_kernel(frequency, direction * np.pi / _DIRECTIONS)
            # So that an even area, however bright, gives nothing.
            kernel -= np.abs(kernel) * (kernel.sum() / np.abs(kernel).sum())
            kernels.append((kernel.real.astype(np.float32), kernel.imag.astype(np.float32)))
    return kernels


def moments_by_region(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the mean and the standard deviation of each value in each region of a grid.

    Parameters
    ----------
    values : ndarray of float, shape (height, width, n)

    Returns
    -------
    ndarray of float64, shape (6, 2, n)
        The regions in the order of :func:`over_regions`; zeros for one without any place.

    Examples
    --------
    >>> moments_by_region(np.array([[[1.0]], [[3.0]]]))[0].ravel()
    array([2., 1.])
    """

    def sums(place: Place) -> NDArray[np.float64]:
        part = values[place].reshape(-1, values.shape[2]).astype(np.float64)
        return np.concatenate([[len(part)], part.sum(axis=0), np.square(part).sum(axis=0)])

    total = over_regions("grid", values.shape, sums)
    means, squares = np.split(total[:, 1:] / np.maximum(total[:, :1], 1), 2, axis=1)
    return np.stack([means, np.sqrt(np.maximum(squares - np.square(means), 0))], axis=1)
