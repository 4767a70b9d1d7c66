"""Where a search takes its candidates from: one interface for every way to search.

A search has two steps. A candidate source names rows among which the nearest are; :func:`top_k`
computes the exact distances of these, in double precision, and ranks them. So results do not depend
on how the candidates were found, as long as the nearest are among them. Sources that read every
row promise that; approximate ones say how often they keep it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Distances = NDArray[np.float64]
RowNumbers = NDArray[np.intp]
RowMask = NDArray[np.bool_]

_MORE = 8
"""How many times as many rows are looked at, until there are enough groups among them."""

_FEW = 32
"""Below this share of all rows, their exact distances cost less than estimates of all."""

Q = TypeVar("Q")


class CandidateSource(ABC, Generic[Q]):
    """The rows of an index, ready to be compared with queries of type `Q`.

    Attributes
    ----------
    approximate : bool
        Its candidates may lack some of the nearest, so that not every row need be looked at.
    """

    approximate: bool = False

    @abstractmethod
    def __len__(self) -> int:
        """Return how many rows there are."""

    @abstractmethod
    def candidates(self, query: Q, k: int, eligible: RowMask | None = None) -> RowNumbers:
        """Return rows among which are the `k` nearest of those that are eligible.

        Parameters
        ----------
        query : Q
            As the descriptors of the rows describe an image.
        k : int
            1 or more, and not more than the eligible rows.
        eligible : ndarray of bool, shape (n,), optional
            Which rows may be found: all unless told otherwise.

        Returns
        -------
        ndarray of int
            In any order, each once.
        """

    def candidates_of_each(
        self, queries: Sequence[Q], k: int, eligible: Sequence[RowMask | None]
    ) -> Iterator[RowNumbers]:
        """Yield what :meth:`candidates` returns for each of several queries, or so.

        Parameters
        ----------
        queries : sequence of Q
        k : int
            1 or more, and not more than the eligible rows of any.
        eligible : sequence of ndarray of bool or None
            Which rows may be found, for each query.
        """
        for query, mask in zip(queries, eligible, strict=True):
            yield self.candidates(query, k, mask)

    @abstractmethod
    def exact(self, query: Q, rows: RowNumbers) -> Distances:
        """Return the exact distances of some rows."""

    def among(self, queries: Sequence[Q], rows: RowNumbers) -> NDArray[np.floating[Any]]:
        """Return the distances of some queries to some rows, exact or nearly so.

        Returns
        -------
        ndarray of float, shape (queries, rows)
        """
        return np.stack([self.exact(query, rows) for query in queries])

    def within(self, query: Q, limit: float, eligible: RowMask | None = None) -> RowNumbers:
        """Return the eligible rows at a distance of at most `limit`, in row order."""
        rows = _eligible_rows(len(self), eligible)
        return rows[self.exact(query, rows) <= limit]


class ScannedSource(CandidateSource[Q]):
    """A source that estimates the distance of every row, fast and with a known tolerance."""

    @abstractmethod
    def estimate(self, query: Q) -> NDArray[Any]:
        """Return the distance of every row, off by no more than `tolerance` says."""

    @abstractmethod
    def tolerance(self, query: Q, distance: float) -> float:
        """Return by how much an estimate near `distance` may be off."""

    def candidates(self, query: Q, k: int, eligible: RowMask | None = None) -> RowNumbers:
        if eligible is not None or len(self) <= k:
            rows = _eligible_rows(len(self), eligible)
            if len(rows) <= max(k, len(self) // _FEW):
                return rows
        estimates = self.estimate(query)
        if not np.isfinite(estimates.max()):
            return _eligible_rows(len(self), eligible)
        some = estimates if eligible is None else estimates[eligible]
        limit = float(np.partition(some, k - 1)[k - 1])
        # Both the limit and an estimate below it may be off.
        is_near = estimates <= limit + 2 * self.tolerance(query, limit)
        return np.flatnonzero(is_near if eligible is None else is_near & eligible)

    def within(self, query: Q, limit: float, eligible: RowMask | None = None) -> RowNumbers:
        rows = _eligible_rows(len(self), eligible)
        estimates = self.estimate(query)[rows]
        tolerance = self.tolerance(query, limit)
        is_within = estimates <= limit - tolerance
        is_beyond = (estimates > limit + tolerance) & np.isfinite(estimates)
        is_unsure = ~(is_within | is_beyond)
        is_within[is_unsure] = self.exact(query, rows[is_unsure]) <= limit
        return rows[is_within]


def _eligible_rows(count: int, eligible: RowMask | None) -> RowNumbers:
    return np.arange(count) if eligible is None else np.flatnonzero(eligible)


def top_k(
    source: CandidateSource[Q],
    query: Q,
    k: int,
    max_distance: float | None = None,
    eligible: RowMask | None = None,
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
    eligible : ndarray of bool, shape (n,), optional
        Which rows may be found: all unless told otherwise.

    Returns
    -------
    list of (int, float)
        Row numbers with their exact distances, the nearest first; equal distances in row order,
        which is the order of the paths.
    """
    count = _count(source, eligible)
    k = min(k, count)
    if k < 1:
        return []
    if max_distance is not None and k == count:
        rows = source.within(query, max_distance, eligible)
    else:
        rows = source.candidates(query, k, eligible)
    return _ranked(source, query, k, rows, max_distance)


def top_k_of_each(
    source: CandidateSource[Q],
    queries: Sequence[Q],
    k: int,
    max_distance: float | None,
    eligible: Sequence[RowMask | None],
) -> Iterator[list[tuple[int, float]]]:
    """Yield what :func:`top_k` returns for each query; the rows may be read once for many.

    Parameters
    ----------
    source, k, max_distance
        As for :func:`top_k`.
    queries : sequence of ndarray
    eligible : sequence of ndarray of bool or None
        Which rows may be found, for each query.
    """
    if not 1 <= k < min((_count(source, mask) for mask in eligible), default=0):
        for query, mask in zip(queries, eligible, strict=True):
            yield top_k(source, query, k, max_distance, mask)
        return
    candidates = source.candidates_of_each(queries, k, eligible)
    for query, rows in zip(queries, candidates, strict=True):
        yield _ranked(source, query, k, rows, max_distance)


def _count(source: CandidateSource[Any], eligible: RowMask | None) -> int:
    return len(source) if eligible is None else int(np.count_nonzero(eligible))


def _ranked(
    source: CandidateSource[Q], query: Q, k: int, rows: RowNumbers, max_distance: float | None
) -> list[tuple[int, float]]:
    distances = source.exact(query, rows)
    order = np.lexsort((rows, distances))[:k]
    return [
        (int(rows[i]), float(distances[i]))
        for i in order
        if max_distance is None or distances[i] <= max_distance
    ]


def top_groups(
    source: CandidateSource[Q],
    query: Q,
    k: int,
    groups: NDArray[np.integer[Any]],
    max_distance: float | None = None,
    eligible: RowMask | None = None,
) -> list[tuple[int, float]]:
    """Rank the rows of a source of which each is the nearest of its group.

    Parameters
    ----------
    source, query, k, max_distance, eligible
        As for :func:`top_k`.
    groups : ndarray of int, shape (n,)
        The group of each row.
    """
    asked = k
    while True:
        asked *= _MORE
        ranked = top_k(source, query, asked, max_distance, eligible)
        nearest: dict[int, tuple[int, float]] = {}
        for one in ranked:
            nearest.setdefault(int(groups[one[0]]), one)
        if len(nearest) >= k or len(ranked) < asked:
            return list(nearest.values())[:k]
