"""PDQ, the hash by which platforms exchange lists of known images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import HIGHEST_QUALITY
from cbir.descriptors.hashes.dct import dct2
from cbir.descriptors.hashes.perceptual import Bits, Hash
from cbir.images.pixels import WORKING_SIZES, Pixels

_SIDE = 64
"""Side of the image that is transformed."""

_SMALLEST = 5
"""Pixels; an image that is narrower or lower has no hash, as in the reference."""


@dataclass(frozen=True)
class Pdq(Hash):
    """PDQ: which of the low frequencies lie above their median.

    The luminance is smoothed by a box filter, twice in each direction, and sampled at 64 × 64
    points; the bits tell which of the frequencies 1 to 16 of its DCT-II lie above their median, in
    the order in which PDQ hashes are written. The quality is PDQ's own: the sum of the gradients,
    in steps of a hundredth of the range, so that slight ones do not count. Its authors advise to
    discard what is below 50.

    The values are those of the reference for an image that it is given with a longest side of
    512 px, as its Python edition reduces larger ones.

    References
    ----------
    "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", Facebook, 2019,
    https://github.com/facebook/ThreatExchange/blob/main/hashing/hashing.pdf, with the reference
    beside it, https://github.com/facebook/ThreatExchange/tree/main/pdq. W. Jarosz, "Fast image
    convolutions", ACM SIGGRAPH at UIUC, 2001, for the filter.

    Examples
    --------
    >>> row = Pdq().describe(np.full((90, 60, 3), 127, np.uint8))
    >>> row.shape, row[-1]
    ((33,), np.uint8(0))
    """

    name: ClassVar[str] = "pdq"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "copies of one image, as ThreatExchange has it; 33 bytes an image"
    meaning: ClassVar[str] = (
        "differing bits: up to 31 = a copy, by its authors; unrelated: about half"
    )
    least_quality: ClassVar[int] = 50
    dimension: ClassVar[int] = 256
    # What the reference reduces large images to.
    working_size: ClassVar[int | None] = WORKING_SIZES[2]

    def _bits_and_quality(self, image: Pixels) -> tuple[Bits, int]:
        if min(image.shape[:2]) < _SMALLEST:
            return np.zeros(self.dimension, bool), 0
        small = _sampled(image)
        low = dct2(small)[1:17, 1:17].ravel()
        # The lower of the two middle values. PDQ writes the last bit first.
        return (low > np.partition(low, 127)[127])[::-1], _quality(small)


def _sampled(image: Pixels) -> NDArray[np.float32]:
    """Return the smoothed luminance at 64 × 64 points, in steps of 1/256."""
    height, width = image.shape[:2]
    luminance = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2GRAY)
    rows = _weighted(np.asarray(luminance, np.float32), height)
    small = _weighted(np.ascontiguousarray(rows.T), width).T
    # So that equal ones are equal, however a processor rounds.
    return (np.rint(small * 256) / 256).astype(np.float32)


def _weighted(lines: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Smooth across lines, but only at the 64 that are kept."""
    places, weights = _taps(length)
    kept = np.zeros((_SIDE, lines.shape[1]), np.float32)
    for place, weight in zip(places, weights, strict=True):
        kept += weight[:, None] * lines[place]
    return kept


@lru_cache(maxsize=WORKING_SIZES[2])
def _taps(length: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return what two box filters and the sampling do to `length` pixels, as one step.

    Returns
    -------
    places, weights : ndarray, shape (taps, 64)
        A sample is the sum of some pixels with weights. A window that reaches over the border is
        cut off there.
    """
    window = -(-length // (2 * _SIDE))
    before, after = (window - 1) // 2, window // 2
    pixel = np.arange(length)
    lag = pixel[None] - pixel[:, None]
    box = ((lag >= -before) & (lag <= after)).astype(np.float64)
    box /= box.sum(axis=1, keepdims=True)
    centers = ((np.arange(_SIDE) + 0.5) * length / _SIDE).astype(np.intp)
    twice = box[centers] @ box
    places = centers + np.arange(-2 * before, 2 * after + 1)[:, None]
    inside = (places >= 0) & (places < length)
    places = np.clip(places, 0, length - 1)
    weights = np.where(inside, twice[np.arange(_SIDE), places], 0)
    return places, weights.astype(np.float32)


def _quality(small: NDArray[np.float32]) -> int:
    """Sum the gradients that count, as the reference does."""
    total = 0
    for axis in (0, 1):
        total += int(np.abs(np.trunc(np.diff(small, axis=axis) * 100 / 255)).sum())
    return min(HIGHEST_QUALITY, total // 90)
