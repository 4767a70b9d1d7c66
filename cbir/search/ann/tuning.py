"""The parameters of a structure for a wanted recall, found on a sample of the index.

Some rows of the index are queries; each is left out of what it finds itself. For every number of
candidates that may be compared exactly, the least effort is found that reaches the recall, and of
all these pairs the cheapest one is taken. The recall of a sample is off by chance: the wanted one
counts as reached when, by a normal approximation, that of all rows is above it with a probability
of 95 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.progress import ProgressListener
from cbir.core.threads import cores, ordered_map
from cbir.descriptors.base import Row
from cbir.search.ann.choosing import NEAREST
from cbir.search.ann.engines.base import SEED, Ids, Structure
from cbir.search.ann.vectors import VectorMap
from cbir.search.candidates import CandidateSource, RowNumbers, top_k

QUERIES = 200
"""Rows that are searched for."""

DEPTHS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""How many candidates may be compared exactly."""

_SURE = 1.645
"""Standard errors below the mean, above which the recall of all rows is with 95 %."""

_EXACT = 4.0
"""What it costs to compare a number of a row exactly, beside a number of a vector: about 7 ns and
1.6 ns were measured."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a structure is searched for the ten nearest rows.

    Attributes
    ----------
    effort : int
        As :meth:`Structure.search` takes it.
    depth : int
        How many of what it names are compared exactly.
    recall : float
        The share of the ten nearest that are found, in the sample.
    reached : bool
        Whether that is the wanted recall, or more.
    """

    effort: int
    depth: int
    recall: float
    reached: bool


@dataclass(frozen=True, slots=True)
class RecallSample:
    """Rows that are searched for, and how far their nearest are.

    Attributes
    ----------
    source : CandidateSource
        The rows of the index, compared exactly.
    matrix : ndarray, shape (n, width)
    queries : ndarray of int
        Rows.
    limits : ndarray of float64
        For each query, the distance of the last of its nearest.
    wanted : int
        How many nearest there are of each.
    """

    source: CandidateSource[Row]
    matrix: Row
    queries: RowNumbers
    limits: NDArray[np.float64]
    wanted: int

    @classmethod
    def of(
        cls,
        source: CandidateSource[Row],
        matrix: Row,
        listener: ProgressListener,
        name: str,
    ) -> RecallSample:
        """Search exactly for some rows."""
        queries = sampled_queries(len(matrix), QUERIES)
        wanted = min(NEAREST, len(matrix) - 1)
        limits = []
        listener.begin(f"searching for a sample of {name}", len(queries), "queries")
        for row in queries.tolist():
            ranked = top_k(source, matrix[row], wanted + 1)
            others = [distance for one, distance in ranked if one != row]
            limits.append(others[wanted - 1] if wanted else 0.0)
            listener.advance()
        listener.end()
        return cls(source, matrix, queries, np.array(limits), wanted)

    def recalls(self, candidates: Callable[[int], RowNumbers]) -> NDArray[np.float64]:
        """Return the share of the nearest that candidates have, for each query.

        Parameters
        ----------
        candidates : callable
            Returns those for a row.
        """

        def recall(place: int) -> float:
            row = int(self.queries[place])
            found = candidates(row)
            distances = self.source.exact(self.matrix[row], found[found != row])
            hits = int(np.count_nonzero(distances <= self.limits[place]))
            return min(hits, self.wanted) / self.wanted if self.wanted else 1.0

        return np.array(list(ordered_map(recall, range(len(self.queries)), cores())))


def sampled_queries(count: int, most: int) -> RowNumbers:
    """Return at most so many of `count` rows, drawn at random, always the same."""
    rng = np.random.default_rng(SEED)
    return np.sort(rng.choice(count, min(count, most), replace=False))


def is_reached(recalls: NDArray[np.float64], wanted: float) -> bool:
    """Say whether the recall of all queries is surely above what is wanted.

    Examples
    --------
    >>> is_reached(np.ones(10), 1.0), is_reached(np.array([1.0, 0.9]), 0.95)
    (True, False)
    """
    error = float(recalls.std()) / max(1, len(recalls)) ** 0.5
    return float(recalls.mean()) - _SURE * error >= wanted


def tune(
    structure: Structure,
    vector_map: VectorMap,
    sample: RecallSample,
    wanted: float,
    rows_of: Callable[[Ids], RowNumbers],
) -> Tuning:
    """Find how a structure is searched for a wanted recall, as cheaply as can be.

    Parameters
    ----------
    structure : Structure
        Of all rows.
    vector_map : VectorMap
    sample : RecallSample
    wanted : float
        The share of the ten nearest rows that is to be found, 0 to 1.
    rows_of : callable
        Returns the rows of vectors.

    Returns
    -------
    Tuning
        With the most that can be, where the wanted recall is out of reach.
    """
    vectors = {row: vector_map(sample.matrix[row : row + 1])[0] for row in sample.queries.tolist()}

    def attempt(effort: int, depth: int) -> Tuning:
        recalls = sample.recalls(
            lambda row: rows_of(structure.search(vectors[row], depth + 1, effort))
        )
        mean = float(recalls.mean())
        return Tuning(effort, depth, mean, is_reached(recalls, wanted))

    best: Tuning | None = None
    least = float("inf")
    for depth in DEPTHS:
        compared = _EXACT * depth * sample.matrix.shape[1]
        if compared >= least or (depth > len(structure) and best is not None):
            break
        found = _least_effort(structure.efforts, depth, attempt)
        if found is None:
            continue
        cost = compared + structure.compared(depth, found.effort) * vector_map.width
        if cost < least:
            best, least = found, cost
    return best or attempt(structure.efforts[-1], DEPTHS[-1])


def _least_effort(
    efforts: Sequence[int], depth: int, attempt: Callable[[int, int], Tuning]
) -> Tuning | None:
    """Return the least effort with which a number of candidates is enough, or None."""
    low, high = 0, len(efforts) - 1
    found = attempt(efforts[high], depth)
    if not found.reached:
        return None
    while low < high:
        middle = (low + high) // 2
        tried = attempt(efforts[middle], depth)
        if tried.reached:
            found, high = tried, middle
        else:
            low = middle + 1
    return found
