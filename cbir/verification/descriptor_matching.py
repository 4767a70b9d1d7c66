"""Which local features of two images look alike, by their descriptors alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.local_features.base import LocalFeatures

_BLOCK = 128
"""Rows whose distances are computed at once: they stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of descriptors that are each other's nearest.

    Attributes
    ----------
    pairs : ndarray of intp, shape (k, 2)
        Places in the first and in the second image, the clearest match first.
    ratios : ndarray of float32, shape (k,)
        The distance, divided by that to the second best of the second image: 0 to 1.
    """

    pairs: NDArray[np.intp]
    ratios: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pairs)


def comparable(features: LocalFeatures, is_binary: bool) -> NDArray[np.uint8]:
    """Return descriptors as small numbers, whose squared distances are those that count.

    Of packed bits each becomes a number: the squared Euclidean distance of these is the Hamming
    distance.

    Parameters
    ----------
    features : LocalFeatures
    is_binary : bool
        As :attr:`LocalExtractor.is_binary` says of what extracted them.
    """
    return np.unpackbits(features.descriptors, axis=1) if is_binary else features.descriptors


def as_left(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Prepare descriptors so that their product with others is the squared distance.

    Examples
    --------
    >>> a, b = np.array([[1, 5]], np.uint8), np.array([[4, 1], [1, 5]], np.uint8)
    >>> (as_left(a) @ as_right(b).T).tolist()
    [[25.0, 0.0]]
    """
    numbers = descriptors.astype(np.float32)
    squares = np.einsum("ij,ij->i", numbers, numbers)
    return np.column_stack([-2 * numbers, squares, np.ones_like(squares)])


def as_right(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Prepare the others; see :func:`as_left`."""
    numbers = descriptors.astype(np.float32)
    squares = np.einsum("ij,ij->i", numbers, numbers)
    return np.column_stack([numbers, np.ones_like(squares), squares])


def match_prepared(left: NDArray[np.float32], right: NDArray[np.float32], ratio: float) -> Matches:
    """Pair descriptors that are each other's nearest, and clearly so.

    Parameters
    ----------
    left, right : ndarray of float32, shapes (m, d) and (n, d)
        As :func:`as_left` and :func:`as_right` prepare them.
    ratio : float
        A match's distance is below this share of that of the second best: 0 to 1.
    """
    if len(left) < 2 or len(right) < 2:
        return Matches(np.empty((0, 2), np.intp), np.empty(0, np.float32))
    # Whole numbers below 2^24: single precision is exact, in any order of the sums.
    nearest = np.empty(len(left), np.intp)
    best, second = np.empty(len(left), np.float32), np.empty(len(left), np.float32)
    lowest = np.full(len(right), np.inf, np.float32)
    block = np.empty((_BLOCK, len(right)), np.float32)
    for start in range(0, len(left), _BLOCK):
        part = slice(start, start + _BLOCK)
        squares = np.matmul(left[part], right.T, out=block[: len(left[part])])
        np.minimum(lowest, squares.min(axis=0), out=lowest)
        rows = np.arange(len(squares))
        nearest[part] = squares.argmin(axis=1)
        best[part] = squares[rows, nearest[part]]
        squares[rows, nearest[part]] = np.inf
        second[part] = squares.min(axis=1)
    shares = best / np.maximum(second, 1)
    kept = np.flatnonzero((best == lowest[nearest]) & (shares < ratio**2))
    # Of several rows that are as near to one of the others, only the first is its nearest.
    kept = kept[(right[nearest[kept]] @ left.T).argmin(axis=1) == kept]
    kept = kept[np.argsort(shares[kept], kind="stable")]
    return Matches(np.stack([kept, nearest[kept]], axis=1), np.sqrt(shares[kept]))


def match_descriptors(
    first: NDArray[np.uint8], second: NDArray[np.uint8], ratio: float
) -> NDArray[np.intp]:
    """Pair the descriptors that are each other's nearest, and clearly so.

    Parameters
    ----------
    first, second : ndarray of uint8, shapes (m, d) and (n, d)
    ratio : float
        A match's distance is below this share of that of the second best: 0 to 1.

    Returns
    -------
    ndarray of intp, shape (k, 2)
        Places in `first` and `second`, the clearest match first.

    References
    ----------
    D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004.

    Examples
    --------
    >>> ones = np.eye(3, dtype=np.uint8) * 9
    >>> match_descriptors(ones, ones[::-1], 0.85).tolist()
    [[0, 2], [1, 1], [2, 0]]
    """
    return match_prepared(as_left(first), as_right(second), ratio).pairs
