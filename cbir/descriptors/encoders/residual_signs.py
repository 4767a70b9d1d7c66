"""Binary signatures of local features: the signs of what is left of them after their words."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.encoders.clustering import Bytes
from cbir.descriptors.encoders.sparse_code import SparseCode


def residuals(descriptors: Bytes, words: Bytes, is_binary: bool) -> NDArray[np.int16]:
    """Return what is left of descriptors after the words that they are assigned to.

    Parameters
    ----------
    descriptors, words : ndarray of uint8, shape (n, b)
        The word of each descriptor beside it.
    is_binary : bool
        They are packed bits. The centers of their words are means of bits, between 0 and 1, so that
        a residual has the sign of the bit itself; bits count as 1 and −1.

    Returns
    -------
    ndarray of int16, shape (n, d)
    """
    if not is_binary:
        return descriptors.astype(np.int16) - words
    return np.unpackbits(descriptors, axis=1).astype(np.int16) * 2 - 1


def signs(residual: NDArray[np.integer], is_binary: bool) -> Bytes:
    """Return the signs of residuals as packed bits, 1 where one is above 0.

    The numbers of one descriptor depend on each other: where it has much of one direction, it has
    less of all others. So those that are no bits are rotated first, by a Hadamard matrix, which
    mixes all of them and needs no training.

    References
    ----------
    H. Jégou, M. Douze, C. Schmid, "Hamming embedding and weak geometric consistency for large scale
    image search", ECCV 2008, for a rotation (there a random one).

    Examples
    --------
    >>> signs(np.array([[3, -2, 0, 1, 1, 1, 1, 1]]), is_binary=True).tolist()
    [[159]]
    """
    if not is_binary:
        largest = int(np.abs(residual).max(initial=0)) * residual.shape[1]
        kind = np.float32 if largest < 1 << 24 else np.float64  # exact, for they are whole numbers
        residual = residual.astype(kind) @ _hadamard(residual.shape[1]).astype(kind)
    return np.packbits(residual > 0, axis=1)


@cache
def _hadamard(size: int) -> NDArray[np.float64]:
    """Return a Hadamard matrix, not scaled; the size is a power of 2."""
    matrix = np.ones((1, 1))
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def aggregated(
    words: NDArray[np.intp], residual: NDArray[np.integer], is_binary: bool
) -> SparseCode:
    """Add up the residuals of each word, and take the signs of the sums.

    Parameters
    ----------
    words : ndarray of int, shape (n,)
    residual : ndarray of int, shape (n, d)
    is_binary : bool
        As for :func:`signs`.

    Examples
    --------
    >>> residual = np.array([[3] * 8, [1] * 8, [-4] * 8])
    >>> code = aggregated(np.array([5, 1, 5]), residual, is_binary=True)
    >>> code.words, code.payloads.ravel()
    (array([1, 5], dtype=uint32), array([255,   0], dtype=uint8))
    """
    order = np.argsort(words, kind="stable")
    there, starts = np.unique(words[order], return_index=True)
    sums = (
        np.add.reduceat(residual[order], starts, axis=0, dtype=np.int32)
        if len(there)
        else (residual.astype(np.int32))
    )
    return SparseCode(there.astype(np.uint32), signs(sums, is_binary))
