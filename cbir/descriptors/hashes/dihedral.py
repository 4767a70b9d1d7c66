"""The hashes of an image's rotated and mirrored copies, from its own hash."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Transpose

_BLOCK = 1 << 14
"""Hashes that are unpacked at a time."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to rotate and mirror an image.

    Attributes
    ----------
    name : str
        What was done to the upright image; rotations are clockwise.
    done, undo : PIL.Image.Transpose or None
        What makes the image from the upright one, and what turns it upright again:
        ``image.transpose(undo)``. None: nothing.
    """

    name: str
    done: Transpose | None
    undo: Transpose | None


ORIENTATIONS = (
    Orientation("as it is", None, None),
    Orientation("mirrored left to right", Transpose.FLIP_LEFT_RIGHT, Transpose.FLIP_LEFT_RIGHT),
    Orientation("rotated by 180°", Transpose.ROTATE_180, Transpose.ROTATE_180),
    Orientation("mirrored top to bottom", Transpose.FLIP_TOP_BOTTOM, Transpose.FLIP_TOP_BOTTOM),
    Orientation("transposed", Transpose.TRANSPOSE, Transpose.TRANSPOSE),
    Orientation("rotated by 270°", Transpose.ROTATE_90, Transpose.ROTATE_270),
    Orientation("transposed across", Transpose.TRANSVERSE, Transpose.TRANSVERSE),
    Orientation("rotated by 90°", Transpose.ROTATE_270, Transpose.ROTATE_90),
)
"""The orientations in the order of :func:`orientations`, which is that of EXIF: the first is what
EXIF's orientation 1 turns upright, the last what 8 does."""


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
