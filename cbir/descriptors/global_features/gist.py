"""GIST: how much structure of every size and direction each part of the image has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import STEPS, Descriptor, Encoding
from cbir.images.pixels import Pixels

_SIDE = 128
"""Of the square that is transformed, in pixels."""

_MARGIN = 16
"""Pixels by which the square is mirrored beyond its edges, which would be structure otherwise."""

_PERIOD = _SIDE + 2 * _MARGIN

_SCALES = 4
_DIRECTIONS = 8
_CELLS = 4

_FINEST = 0.3
"""Cycles a pixel at the center of the finest scale, as in the authors' program; here each scale
is an octave below the one before."""

_WINDOWS = (80, 80, 40, 40)
"""Frequencies a side that a scale's filters look at: two deviations to each side and more."""

_BROAD = 3.5
_NARROW = 2 * np.pi
"""Steepness of the filters along the frequency and, per radian squared, along the angle: those
of the authors' program for eight directions."""

_BLUR = 4.0
"""Pixels, the deviation of what is taken for the surroundings of a pixel."""

_FAINT = 0.05
"""Contrast, of logarithms, that is not scaled up as far as stronger ones: it may be noise."""


@dataclass(frozen=True)
class Gist(Descriptor):
    """GIST: energies of Gabor filters of four scales and eight directions in 4 × 4 cells.

    The gray image is squeezed to a square of 128 pixels. Of its logarithm the surroundings'
    mean is taken off, and the rest divided by their contrast. The amplitude of each filter's
    answer is averaged over each cell, and its root stored.

    References
    ----------
    A. Oliva, A. Torralba, "Modeling the shape of the scene: a holistic representation of the
    spatial envelope", IJCV 42(3), 2001. It departs from the authors' program in smaller
    surroundings and more even contrast, in scales an octave apart in the place of 0.89, in roots,
    and in that a filter's answer is computed around its center frequency only: a window of the
    spectrum gives the amplitude at fewer points, which is enough for means.

    Examples
    --------
    >>> row = Gist().describe(np.zeros((64, 64, 3), np.uint8))
    >>> row.shape, row.any()
    ((512,), np.False_)
    """

    name: ClassVar[str] = "gist"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "layout of a scene, coarse and fine: landscapes, streets, products"
    metrics: ClassVar[tuple[str, ...]] = ("manhattan", "euclidean", "cosine", "chi2")
    meaning: ClassVar[str] = "0 = the same layout; unrelated images are about 38 apart"
    dimension: ClassVar[int] = _SCALES * _DIRECTIONS * _CELLS**2
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)
    encoding: ClassVar[Encoding] = STEPS
    working_size: ClassVar[int | None] = _SIDE

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        square = cv2.resize(gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        means = amplitudes(even_contrast(square))
        return np.rint(255 * np.sqrt(np.minimum(means, 1))).astype(np.uint8).ravel()


def even_contrast(gray: NDArray[Any]) -> NDArray[np.float32]:
    """Return how much brighter each pixel is than its surroundings, in units of their contrast.

    Parameters
    ----------
    gray : ndarray of uint8, shape (height, width)

    Returns
    -------
    ndarray of float32, shape (height, width)
        0 where everything is equal; mostly within -2 to 2.

    Examples
    --------
    >>> np.round(even_contrast(np.full((8, 8), 50, np.uint8)), 3).any()
    np.False_
    """
    light = _logarithms()[gray]
    detail = light - _blurred(light)
    return detail / (np.float32(_FAINT) + np.sqrt(_blurred(np.square(detail))))


def amplitudes(square: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean amplitude of each filter's answer in each cell.

    Parameters
    ----------
    square : ndarray of float32, shape (128, 128)

    Returns
    -------
    ndarray of float64, shape (scales, directions, 4, 4)
        From the finest scale; from horizontal waves (upright stripes) on, turning towards below.
        A wave at a filter's center frequency gives half its own amplitude.

    Examples
    --------
    >>> wave = np.cos(2 * np.pi * 0.3 * np.arange(128, dtype=np.float32))
    >>> means = amplitudes(np.repeat(wave[None], 128, axis=0)).mean(axis=(2, 3))
    >>> int(means.argmax()), round(float(means.max()), 1)
    (0, 0.5)
    """
    margins = (_MARGIN,) * 4
    spectrum = np.fft.fft2(cv2.copyMakeBorder(square, *margins, cv2.BORDER_REFLECT))
    return np.stack([_amplitudes(spectrum, scale) for scale in range(_SCALES)])


def _amplitudes(spectrum: NDArray[Any], scale: int) -> NDArray[np.float64]:
    rows, columns, weights = _filters(scale)
    length = weights.shape[-1]
    answers = np.abs(np.fft.ifft2(spectrum[rows, columns] * weights, norm="forward"))
    margin = _MARGIN * length // _PERIOD
    inside = answers[:, margin : length - margin, margin : length - margin]
    side = inside.shape[-1] // _CELLS
    cells = inside.reshape(_DIRECTIONS, _CELLS, side, _CELLS, side)
    return cells.mean(axis=(2, 4), dtype=np.float64) / _PERIOD**2


@lru_cache
def _filters(scale: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.complex64]]:
    """Return where the windows of a scale's filters lie in the spectrum, and their weights.

    A window of n frequencies gives the amplitude at n points along the period. The phases among
    the weights put these into the middle of the pixels that each stands for.
    """
    center = _FINEST / 2**scale
    length = _WINDOWS[scale]
    angles = np.arange(_DIRECTIONS)[:, None, None] * (np.pi / _DIRECTIONS)
    offsets = np.arange(length) - length // 2
    rows = np.rint(center * np.sin(angles) * _PERIOD).astype(np.intp) + offsets[None, :, None]
    columns = np.rint(center * np.cos(angles) * _PERIOD).astype(np.intp) + offsets[None, None]
    frequency = np.hypot(rows, columns) / _PERIOD / center
    turned = (np.arctan2(rows, columns) - angles + np.pi) % (2 * np.pi) - np.pi
    weights = np.exp(-_BROAD * (frequency - 1) ** 2 - _NARROW * turned**2)
    beyond = np.maximum(np.abs(rows), np.abs(columns)) > _PERIOD // 2
    weights[beyond] = 0  # what the image cannot hold
    middle = (_PERIOD / length - 1) / 2
    phases = np.exp(2j * np.pi * middle / _PERIOD * (offsets[:, None] + offsets[None]))
    return rows % _PERIOD, columns % _PERIOD, (weights * phases).astype(np.complex64)


@lru_cache
def _logarithms() -> NDArray[np.float32]:
    return np.log1p(np.arange(256)).astype(np.float32)


def _blurred(values: NDArray[np.float32]) -> NDArray[Any]:
    return cv2.GaussianBlur(values, (0, 0), _BLUR, borderType=cv2.BORDER_REFLECT)
