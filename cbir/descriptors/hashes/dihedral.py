"""The hashes of an image's rotated and mirrored copies, from its own hash."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 14
"""Hashes that are unpacked at a time."""

ORIENTATIONS = (
    "as it is",
    "mirrored left to right",
    "rotated by 180°",
    "mirrored top to bottom",
    "transposed",
    "rotated by 270°",
    "transposed across",
    "rotated by 90°",
)
"""What was done to the upright image, with rotations clockwise, in the order of
:func:`orientations`. That is EXIF's: the first is what its orientation 1 turns upright, the last
what 8 does."""


def orientations(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Derive the hashes of an image's eight orientations from its own.

    For hashes of the signs of a square of DCT coefficients: ``phash`` and ``pdq``. A transposed
    image has the transposed square, and a mirrored one the opposite signs at the odd frequencies
    of the mirrored direction. This holds exactly for the coefficients, and for bits as far as the
    median that they are compared with is near 0: those of coefficients between the median and its
    opposite are wrong.

    Parameters
    ----------
    bits : ndarray of uint8, shape (n, bytes)
        Packed hashes of N × N bits, N a multiple of 8, without their quality.

    Returns
    -------
    ndarray of uint8, shape (n, 8, bytes)
        The hashes in the order of :data:`ORIENTATIONS`; the first is the hash itself.

    References
    ----------
    The reference of PDQ derives the eight hashes so from the coefficients:
    https://github.com/facebook/ThreatExchange/tree/main/pdq.

    Examples
    --------
    >>> hashes = np.arange(64, dtype=np.uint8).reshape(2, 32)
    >>> orientations(hashes).shape, bool((orientations(hashes)[:, 0] == hashes).all())
    ((2, 8, 32), True)
    """
    count, width = bits.shape
    side = math.isqrt(8 * width)
    # In PDQ's bits the frequencies are 16 to 1: there, too, the odd ones have the odd places.
    horizontal = np.full(width, 0b01010101, np.uint8)
    vertical = np.repeat(np.arange(side) % 2 * 255, side // 8).astype(np.uint8)
    flips = np.stack([np.zeros_like(horizontal), horizontal, horizontal ^ vertical, vertical])
    derived = np.empty((count, 8, width), np.uint8)
    derived[:, :4] = bits[:, None] ^ flips
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        derived[block, 4:] = _transposed(bits[block], side)[:, None] ^ flips[[0, 3, 2, 1]]
    return derived


def _transposed(bits: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    squares = np.unpackbits(bits, axis=1).reshape(len(bits), side, side)
    return np.packbits(squares.transpose(0, 2, 1).reshape(len(bits), -1), axis=1)
