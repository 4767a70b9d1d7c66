"""Bags of visual words, weighted by tf-idf when they are searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Row
from cbir.search.candidates import Distances, RowNumbers, ScannedSource
from cbir.search.exact.flat import FlatIndex
from cbir.search.metrics import Metric
from cbir.search.sources import Derive, StoredRows

_NORMS = {"chi2": 1, "manhattan": 1, "cosine": 2, "euclidean": 2}
"""Which norm of a weighted bag is 1, so that the length of a bag does not matter."""

_FARTHEST = {"chi2": 1.0, "manhattan": 2.0, "cosine": 1.0, "euclidean": 2.0**0.5}
"""The distance of two bags without a common word."""

_ROWS_PER_BLOCK = 256


@dataclass(frozen=True, slots=True)
class TfIdf:
    """Weights counts by tf-idf and normalizes each row.

    Parameters
    ----------
    idf : ndarray of float64, shape (words,)
        The inverse document frequency of each word.
    norm : {1, 2}
        Which norm is to be 1.
    """

    idf: NDArray[np.float64]
    norm: int

    def values(
        self, stored: Row, dtype: type[np.floating[Any]] = np.float64
    ) -> NDArray[np.floating[Any]]:
        """Return the weighted rows; rows without any count stay zero."""
        weights = stored * self.idf.astype(dtype)
        # Each row is summed by itself, so that an image has one weight everywhere.
        powers = weights if self.norm == 1 else np.square(weights)
        sums = powers.sum(axis=-1, keepdims=True)
        lengths = sums if self.norm == 1 else np.sqrt(sums)
        return weights / np.where(lengths > 0, lengths, 1)


class BovwIndex(ScannedSource[Row]):
    """Bags of words under one metric.

    An empty bag, of an image without keypoints, has nothing in common with any other: it is as
    far away as a distance can be. Two empty bags are equal.

    Parameters
    ----------
    matrix : ndarray of integers, shape (n, words)
        Counts.
    metric : Metric
    derive : callable
        Keeps the document frequencies beside the matrix.
    """

    def __init__(self, matrix: Row, metric: Metric, derive: Derive) -> None:
        collection = derive("collection", lambda: _collection(matrix))
        weighting = TfIdf(
            inverse_frequency(collection["frequency"], len(matrix)), _NORMS[metric.name]
        )
        self._empty = collection["empty"]
        self._farthest = _FARTHEST[metric.name]
        self._flat = FlatIndex(matrix, weighting, metric)

    @classmethod
    def of(cls, stored: StoredRows) -> BovwIndex:
        return cls(stored.matrix, stored.metric, stored.derive)

    def __len__(self) -> int:
        return len(self._empty)

    def estimate(self, query: Row) -> NDArray[Any]:
        """Return the distance of every row, nearly."""
        return self._parted(query, self._flat.estimate(query), self._empty)

    def exact(self, query: Row, rows: RowNumbers) -> Distances:
        """Return the exact distances of some rows."""
        return self._parted(query, self._flat.exact(query, rows), self._empty[rows])

    def tolerance(self, query: Row, distance: float) -> float:
        """Return by how much an estimate may be off."""
        return self._flat.tolerance(query, distance)

    def _parted(self, query: Row, distances: NDArray[Any], empty: NDArray[Any]) -> NDArray[Any]:
        distances[empty == query.any()] = self._farthest
        return distances


def inverse_frequency(frequency: NDArray[Any], images: int) -> NDArray[np.float64]:
    r"""Return the weight of each word, :math:`\ln\frac{N + 1}{n + 0.5}`.

    Parameters
    ----------
    frequency : ndarray of integers, shape (words,)
        In how many images each word is.
    images : int
        How many there are.

    Examples
    --------
    >>> inverse_frequency(np.array([0, 1, 50]), 100).round(2)
    array([5.31, 4.21, 0.69])
    """
    # The halves keep every weight positive, in a collection of one image as well.
    return np.log((images + 1) / (frequency + 0.5))


def _collection(matrix: Row) -> dict[str, NDArray[Any]]:
    frequency = np.zeros(matrix.shape[1], np.int64)
    empty = np.empty(len(matrix), bool)
    for start in range(0, len(matrix), _ROWS_PER_BLOCK):
        there = matrix[start : start + _ROWS_PER_BLOCK] > 0
        frequency += there.sum(axis=0)
        empty[start : start + len(there)] = ~there.any(axis=1)
    return {"frequency": frequency, "empty": empty}
