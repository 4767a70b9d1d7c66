"""The parameters of a structure for a wanted recall, found on a sample of the index.

Some rows of the index are queries; each is left out of what it finds itself. For every number of
candidates that may be compared exactly, the least effort is found that reaches the recall, and of
all these pairs the cheapest one is taken. Images from elsewhere are harder to search for than rows
of the index, so rows have to reach more. The recall of a sample is off by chance, besides: it
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
from cbir.search.ann.choosing import FEW, NEAREST
from cbir.search.ann.engines.base import SEED, Ids, Structure
from cbir.search.ann.vectors import VectorMap
from cbir.search.candidates import CandidateSource, RowNumbers, top_k_of_each

QUERIES, QUERIES_OF_FEW = 200, 64
"""Rows that are searched for, among many rows and among few."""

DEPTHS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""How many candidates may be compared exactly."""

_SURE = 1.645
"""Standard errors below the mean, above which the recall of all rows is with 95 %."""

_HARDER = 0.5
"""Of what may be missed, the share that rows of the index may miss. An image from elsewhere lies
farther from its neighbors: of crops of new images 0.939 of the nearest were found with what was
surely enough for 0.95 of rows."""

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
        Whether that is surely enough for the wanted recall.
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
        most = QUERIES if len(matrix) > FEW else QUERIES_OF_FEW
        queries = sampled_queries(len(matrix), most)
        wanted = min(NEAREST, len(matrix) - 1)
        limits = []
        listener.begin(f"searching for a sample of {name}", len(queries), "queries")
        given = [matrix[row] for row in queries]
        found = top_k_of_each(source, given, wanted + 1, None, [None] * len(given))
        for row, ranked in zip(queries.tolist(), found, strict=True):
            others = [distance for one, distance in ranked if one != row]
            limits.append(others[wanted - 1] if wanted else 0.0)
            listener.advance()
        listener.end()
        return cls(source, matrix, queries, np.array(limits), wanted)

    def recalls(
        self, candidates: Callable[[int], RowNumbers], depths: Sequence[int]
    ) -> NDArray[np.float64]:
        """Return the share of the nearest that the first candidates have.

        Parameters
        ----------
        candidates : callable
            Returns those for a row, the best first.
        depths : sequence of int
            How many of the first.

        Returns
        -------
        ndarray of float64, shape (queries, depths)
        """

        def recall(place: int) -> NDArray[np.float64]:
            row = int(self.queries[place])
            found = candidates(row)
            distances = self.source.exact(self.matrix[row], found[found != row])
            hits = np.concatenate([[0], np.cumsum(distances <= self.limits[place])])
            of_first = hits[np.minimum(depths, len(distances))]
            return np.minimum(of_first, self.wanted) / max(1, self.wanted)

        found = list(ordered_map(recall, range(len(self.queries)), cores()))
        return np.array(found) if self.wanted else np.ones((len(found), len(depths)))


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
    needed = needed_of_rows(wanted)

    def attempt(effort: int, depths: Sequence[int]) -> list[Tuning]:
        count = max(depths) + 1
        recalls = sample.recalls(
            lambda row: rows_of(structure.search(vectors[row], count, effort)), depths
        )
        return [
            Tuning(effort, depth, float(some.mean()), is_reached(some, needed))
            for depth, some in zip(depths, recalls.T, strict=True)
        ]

    # With the most effort, it shows how many candidates can be enough at all.
    possible = attempt(structure.efforts[-1], DEPTHS)
    best, least, efforts = possible[-1], float("inf"), structure.efforts
    for at_most in possible:
        compared = _EXACT * at_most.depth * sample.matrix.shape[1]
        if compared >= least:
            break
        if not at_most.reached:
            continue
        found = _least_effort(efforts, at_most, attempt)
        cost = compared + structure.compared(found.depth, found.effort) * vector_map.width
        if cost < least:
            best, least = found, cost
        # What is enough for fewer candidates is enough for more.
        efforts = efforts[: efforts.index(found.effort) + 1]
    return best


def needed_of_rows(wanted: float) -> float:
    """Return the recall that rows of an index need for queries from elsewhere.

    Examples
    --------
    >>> needed_of_rows(0.95), needed_of_rows(1.0)
    (0.975, 1.0)
    """
    return 1 - _HARDER * (1 - wanted)


def _least_effort(
    efforts: Sequence[int],
    at_most: Tuning,
    attempt: Callable[[int, Sequence[int]], list[Tuning]],
) -> Tuning:
    """Return the least effort that is enough for so many candidates."""
    low, high, found = 0, len(efforts) - 1, at_most
    while low < high:
        middle = (low + high) // 2
        (tried,) = attempt(efforts[middle], [at_most.depth])
        if tried.reached:
            found, high = tried, middle
        else:
            low = middle + 1
    return Tuning(efforts[high], found.depth, found.recall, True)
