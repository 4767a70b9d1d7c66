"""Words of binary features: the nearest by Hamming distance, and centers by majority of bits.

References
----------
C. Grana et al., "A fast approach for integrating ORB descriptors in the bag of words model", SPIE
8667, 2013, for k-majority.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.encoders.clustering import Bytes

_FEATURES_PER_BLOCK = 64
"""So that the distances of a block to all words stay in the processor's cache."""


def nearest_words(
    features: Bytes, words: Bytes, count: int = 1
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the nearest words of each feature by Hamming distance, the lowest number first.

    Parameters
    ----------
    features : ndarray of uint8, shape (n, b)
        Packed bits; b is a multiple of 8.
    words : ndarray of uint8, shape (k, b)
    count : int
        How many words a feature; at most k.

    Returns
    -------
    ndarray of intp, shape (n, count), ndarray of int64, shape (n,)
        The words, nearest first and among equals the lower number, and the distances to the
        first.
    """
    columns = np.ascontiguousarray(words.view(np.uint64).T)
    packed = np.ascontiguousarray(features).view(np.uint64)
    nearest = np.empty((len(features), count), np.intp)
    distance = np.empty(len(features), np.int64)
    for start in range(0, len(features), _FEATURES_PER_BLOCK):
        block = packed[start : start + _FEATURES_PER_BLOCK]
        distances = np.zeros((len(block), len(words)), np.uint16)
        for part, column in zip(block.T, columns, strict=True):
            distances += np.bitwise_count(part[:, None] ^ column)
        every = np.arange(len(block))
        for place in range(count):
            best = distances.argmin(axis=1)
            nearest[start : start + len(block), place] = best
            if place == 0:
                distance[start : start + len(block)] = distances[every, best]
            distances[every, best] = np.iinfo(np.uint16).max
    return nearest, distance


def nearest_bits(rows: Bytes, words: Bytes) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the nearest word of each row by Hamming distance, and that distance."""
    labels, distances = nearest_words(rows, words)
    return labels[:, 0], distances


def majority_bits(rows: Bytes, labels: NDArray[np.intp], words: Bytes) -> Bytes:
    """Return the majority of the bits of the rows that have each label; half of them is none."""
    order = np.argsort(labels, kind="stable")
    used, starts = np.unique(labels[order], return_index=True)
    bits = np.unpackbits(rows[order], axis=1)
    sums = np.add.reduceat(bits, starts, axis=0, dtype=np.int32)
    sizes = np.diff(np.r_[starts, len(labels)])
    moved = words.copy()
    moved[used] = np.packbits(2 * sums > sizes[:, None], axis=1)
    return moved
