"""Let queries rank an index, and measure what they find."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cbir.core import stderr_capture
from cbir.core.arguments import check_type, each_of
from cbir.core.errors import CbirError, UnreadableImageError
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.core.threads import one_thread_each, ordered_map, threads
from cbir.evaluation.measures import all_measures, interpolated_precision
from cbir.evaluation.model import (
    KEPT_HITS,
    MEASURES,
    RECALLS,
    Evaluation,
    Hit,
    Run,
    Scores,
    sorted_runs,
)
from cbir.evaluation.protocols import Queries, Query
from cbir.evaluation.relevance import GroundTruth
from cbir.search.engine import Index

_BATCH = 4
"""Queries that a thread takes at a time: each takes milliseconds."""

_TIMED = 25
"""Queries, at most, that are ranked again to see how long it takes."""


@runtime_checkable
class SearcherProtocol(Protocol):
    """What is evaluated: a searcher of the index, as :meth:`cbir.Index.searcher` returns it."""

    @property
    def label(self) -> str:
        """What is compared."""

    @property
    def metric_name(self) -> str:
        """How."""

    @property
    def bytes_per_image(self) -> int:
        """What a description takes in memory."""

    @property
    def weights(self) -> Mapping[str, float]:
        """What each descriptor of a fusion counts; empty if it is none."""

    @property
    def adaptive(self) -> bool:
        """Whether each query changes these weights."""

    def describe(self, query: str) -> Any:
        """Describe an image file."""

    def indexed(self, row: int) -> Any:
        """Return the stored description of the index's image number `row`."""

    def distances(self, description: Any) -> NDArray[np.floating[Any]]:
        """Return the distance to every image, in the order of the index's paths."""


def evaluate(
    index: Index,
    truth: GroundTruth,
    queries: Queries,
    searchers: Iterable[SearcherProtocol],
    *,
    dataset: str | None = None,
    workers: int | None = None,
    listener: ProgressListener | None = None,
) -> Evaluation:
    """Measure how good searches are.

    Each query is compared with all images; equal distances are ranked by path. The result is
    the same with any number of workers, but for the times.

    Parameters
    ----------
    index : Index
    truth : GroundTruth
        What is right; see :func:`cbir.evaluation.ground_truth.read_ground_truth`.
    queries : Queries
        Which images query; see :func:`cbir.evaluation.protocols.choose_queries`.
    searchers : iterable of searchers
        Of the index: a run each. They are told apart by label and metric.
    dataset : str, optional
        How to call the dataset; its folder unless told otherwise.
    workers : int, optional
        Threads; as many as there are cores unless told otherwise.
    listener : ProgressListener, optional
        Told of progress, and of queries that cannot be read: these are left out.

    Returns
    -------
    Evaluation

    Raises
    ------
    CbirError
        When no query can be read.
    """
    workers = threads(workers)
    check_type(index, Index, "an index")
    check_type(truth, GroundTruth, "a truth")
    check_type(queries, Queries, "queries")
    searchers = tuple(each_of(searchers, "a searcher"))
    for searcher in searchers:
        check_type(searcher, SearcherProtocol, "a searcher")
    experiment = _Experiment(index, truth, queries.queries, ProgressListener.of(listener))
    with stderr_capture.capture(), one_thread_each():
        runs = [experiment.run(searcher, workers) for searcher in searchers]
    return Evaluation(
        index.shown("").rstrip("/") or "." if dataset is None else dataset,
        len(index),
        queries.protocol,
        truth.spec,
        sorted_runs(runs),
    )


@dataclass(frozen=True, slots=True)
class _JudgedQuery:
    """A query with what is right for it.

    Attributes
    ----------
    grades : ndarray of int, shape (n,)
    left_out : ndarray of bool, shape (n,)
        The query itself, where it does not count.
    with_duplicates : ndarray of bool, shape (n,)
        That and its exact duplicates.
    """

    grades: NDArray[np.integer]
    left_out: NDArray[np.bool_]
    with_duplicates: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one query gave."""

    measures: list[float]
    measures_without_duplicates: list[float]
    curve: NDArray[np.float64] | None
    """None if there is nothing to find."""
    hits: list[Hit]


class _MeanCurve:
    """Adds up the curves of queries, so that not all of them are held."""

    def __init__(self) -> None:
        self._total = np.zeros(len(RECALLS))
        self._count = 0

    def take(self, answer: _Answer) -> _Answer:
        """Add the curve of an answer, and return the answer without it."""
        if answer.curve is not None:
            self._total += answer.curve
            self._count += 1
        return replace(answer, curve=None)

    @property
    def mean(self) -> NDArray[np.float64]:
        """The mean curve; NaN for no query that has something to find."""
        return self._total / self._count if self._count else np.full(len(RECALLS), np.nan)


class _Experiment:
    """Runs the same queries with one searcher after the other."""

    def __init__(
        self,
        index: Index,
        truth: GroundTruth,
        queries: tuple[Query, ...],
        listener: ProgressListener,
    ) -> None:
        self._truth = truth
        self._queries = list(queries)
        self._listener = listener
        self._paths = [index.shown(path) for path in index.paths]
        self._same_bytes: dict[bytes, list[int]] = {}
        for row, digest in enumerate(index.hashes):
            self._same_bytes.setdefault(digest, []).append(row)
        self._largest = self._largest_without_duplicates = 0
        for query in self._queries:
            judged = self._case(query)
            right = judged.grades > 0
            self._largest = max(self._largest, int((right & ~judged.left_out).sum()))
            self._largest_without_duplicates = max(
                self._largest_without_duplicates, int((right & ~judged.with_duplicates).sum())
            )

    def run(self, searcher: SearcherProtocol, workers: int) -> Run:
        """Rank the index for every query, and measure."""
        label, metric = searcher.label, searcher.metric_name
        self._listener.begin(f"evaluating {label} by {metric}", len(self._queries))
        queries, answers = [], []
        curve = _MeanCurve()

        def answer(query: Query) -> _Answer | UnreadableImageError:
            try:
                return self._answer(searcher, query)
            except UnreadableImageError as error:
                return error

        given = ordered_map(answer, self._queries, workers, _BATCH)
        for query, one in zip(self._queries, given, strict=True):
            if isinstance(one, UnreadableImageError):
                self._listener.unreadable(one)
            else:
                queries.append(query)
                answers.append(curve.take(one))
            self._listener.advance()
        self._listener.end()
        if not queries:
            raise CbirError(
                "none of the queries can be read; give images with ", Parameter("queries")
            )
        # What cannot be read is told of once, and the runs that follow have the same queries.
        self._queries = queries
        return Run(
            label,
            metric,
            [query.path for query in queries],
            [query.topic if self._truth.has_classes else None for query in queries],
            _scores([one.measures for one in answers]),
            _scores([one.measures_without_duplicates for one in answers]),
            curve.mean,
            [one.hits for one in answers],
            self._milliseconds(searcher),
            searcher.bytes_per_image,
            searcher.weights,
            searcher.adaptive,
        )

    def _answer(self, searcher: SearcherProtocol, query: Query) -> _Answer:
        distances, order = _ranked(searcher, _description(searcher, query))
        judged = self._case(query)
        ranked = order[~judged.left_out[order]]
        ranked_without_duplicates = order[~judged.with_duplicates[order]]
        hits = [
            Hit(self._paths[row], float(distances[row]), bool(judged.grades[row] > 0))
            for row in ranked[:KEPT_HITS].tolist()
        ]
        gains = judged.grades[ranked]
        return _Answer(
            _measures(gains, self._largest),
            _measures(judged.grades[ranked_without_duplicates], self._largest_without_duplicates),
            interpolated_precision(gains > 0) if gains.any() else None,
            hits,
        )

    def _milliseconds(self, searcher: SearcherProtocol) -> float:
        """Return the median time of a ranking while nothing else is computed."""
        times = []
        for query in self._queries[:: -(-len(self._queries) // _TIMED)]:
            description = _description(searcher, query)
            start = time.perf_counter()
            _ranked(searcher, description)
            times.append(time.perf_counter() - start)
        return 1000 * statistics.median(times)

    def _case(self, query: Query) -> _JudgedQuery:
        grades = self._truth.grades(query.topic)
        left_out = np.zeros(len(grades), bool)
        with_duplicates = np.zeros(len(grades), bool)
        with_duplicates[self._same_bytes.get(query.sha256, [])] = True
        if query.self_row is not None:
            left_out[query.self_row] = with_duplicates[query.self_row] = query.left_out
        return _JudgedQuery(grades, left_out, with_duplicates)


def _description(searcher: SearcherProtocol, query: Query) -> Any:
    return searcher.describe(query.path) if query.row is None else searcher.indexed(query.row)


def _ranked(searcher: SearcherProtocol, description: Any) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the distances, and the rows from near to far; equal ones by path, as they are."""
    distances = searcher.distances(description)
    return distances, np.argsort(distances, kind="stable")


def _measures(gains: NDArray[np.integer], largest: int) -> list[float]:
    """Return the measures of a ranking; NaN if there is nothing to find."""
    return all_measures(gains, largest) if gains.any() else [np.nan] * len(MEASURES)


def _scores(measures: list[list[float]]) -> Scores:
    columns = np.array(measures, np.float64).T
    return Scores(dict(zip(MEASURES, columns, strict=True)))
