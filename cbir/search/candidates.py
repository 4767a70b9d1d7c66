"""Where a search takes its candidates from: one interface for every way to search.

A search has two steps. A candidate source names rows among which the nearest are; :func:`top_k`
computes the exact distances of these, in double precision, and ranks them. So results do not depend
on how the candidates were found, as long as the nearest are among them. Sources that read every
row promise that; approximate ones say how often they keep it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Distances = NDArray[np.float64]
RowNumbers = NDArray[np.intp]

Q = TypeVar("Q")


class CandidateSource(ABC, Generic[Q]):
    """The rows of an index, ready to be compared with queries of type `Q`."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many rows there are."""

    @abstractmethod
    def candidates(self, query: Q, k: int, excluded: RowNumbers) -> RowNumbers:
        """Return rows among which are the `k` nearest of those that are not excluded.

        Parameters
        ----------
        query : Q
            As the descriptors of the rows describe an image.
        k : int
            1 or more.
        excluded : ndarray of int
            Rows that are left out; others are left.

        Returns
        -------
        ndarray of int
            In any order, each once.
        """

    @abstractmethod
    def exact(self, query: Q, rows: RowNumbers) -> Distances:
        """Return the exact distances of some rows."""


class ScannedSource(CandidateSource[Q]):
    """A source that estimates the distance of every row, fast and with a known tolerance."""

    @abstractmethod
    def estimate(self, query: Q) -> NDArray[Any]:
        """Return the distance of every row, off by no more than `tolerance` says."""

    @abstractmethod
    def tolerance(self, query: Q, distance: float) -> float:
        """Return by how much an estimate near `distance` may be off."""

    def candidates(self, query: Q, k: int, excluded: RowNumbers) -> RowNumbers:
        estimates = self.estimate(query)
        eligible = np.ones(len(estimates), bool)
        eligible[excluded] = False
        rows = np.flatnonzero(eligible)
        if len(rows) <= k or not np.isfinite(estimates).all():
            return rows
        limit = float(np.partition(estimates[rows], k - 1)[k - 1])
        # Both the limit and an estimate below it may be off.
        limit += 2 * self.tolerance(query, limit)
        return rows[estimates[rows] <= limit]


_NONE = np.empty(0, np.intp)


def top_k(
    source: CandidateSource[Q],
    query: Q,
    k: int,
    max_distance: float | None = None,
    excluded: RowNumbers = _NONE,
) -> list[tuple[int, float]]:
    """Rank the rows of a source.

    Parameters
    ----------
    source : CandidateSource
    query : ndarray
        A row, as the descriptor gives it; for a fusion a tuple of them.
    k : int
        How many to return at most.
    max_distance : float, optional
        Leave out what is farther.
    excluded : ndarray of int, optional
        Rows that are left out.

    Returns
    -------
    list of (int, float)
        Row numbers with their exact distances, the nearest first; equal distances in row order,
        which is the order of the paths.
    """
    # np.unique imports numpy.ma, which takes as long as the search of a small index.
    k = min(k, len(source) - len(set(excluded.tolist())))
    if k < 1:
        return []
    candidates = source.candidates(query, k, excluded)
    distances = source.exact(query, candidates)
    order = np.lexsort((candidates, distances))[:k]
    return [
        (int(candidates[i]), float(distances[i]))
        for i in order
        if max_distance is None or distances[i] <= max_distance
    ]
