"""Let queries rank an index, and measure what they find."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core import stderr_capture
from cbir.core.arguments import check_type, each_of, tuple_of
from cbir.core.errors import CbirError, UnreadableImageError
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.core.threads import one_thread_each, ordered_map, threads
from cbir.evaluation.judged import Answer, Collected, JudgedRanking
from cbir.evaluation.model import KEPT_HITS, Evaluation, Hit, Run, sorted_runs
from cbir.evaluation.protocols import check_holds_for_some
from cbir.evaluation.query import Queries, Query
from cbir.evaluation.ranking import Ranked, ranker
from cbir.evaluation.relevance import GroundTruth
from cbir.evaluation.searcher import SearcherProtocol
from cbir.images.encoded_image import EncodedImage
from cbir.images.region_of_image import region_of
from cbir.search.engine import Index

_BATCH = 4
"""Queries that a thread takes at a time: each takes milliseconds."""

_TIMED = 25
"""Queries, at most, that are ranked again to see how long it takes."""


def evaluate(
    index: Index,
    truth: GroundTruth,
    queries: Queries,
    searchers: Iterable[SearcherProtocol],
    *,
    dataset: str | None = None,
    where: str | None = None,
    columns: Sequence[str] = (),
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
        Of the index: a run each, or one a setup of the truth. They are told apart by label and
        metric.
    dataset : str, optional
        How to call the dataset; its folder unless told otherwise.
    where : str, optional
        Images for which this condition on their metadata does not hold are as good as absent.
        Choose the queries with the same one.
    columns : sequence of str
        Columns of metadata that each result is to have.
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
    columns = tuple_of(columns, "a column")
    check_holds_for_some(index, where)
    experiment = _Experiment(
        index, truth, queries.queries, where, columns, ProgressListener.of(listener)
    )
    with stderr_capture.capture(), one_thread_each():
        runs = [run for searcher in searchers for run in experiment.runs(searcher, workers)]
    root = index.shown("")
    return Evaluation(
        root.rstrip("/") or "." if dataset is None else dataset,
        experiment.images,
        queries.protocol,
        truth.spec,
        sorted_runs(runs),
        where,
        columns,
        root or ".",
    )


class _Experiment:
    """Runs the same queries with one searcher after the other."""

    def __init__(
        self,
        index: Index,
        truth: GroundTruth,
        queries: tuple[Query, ...],
        where: str | None,
        columns: Sequence[str],
        listener: ProgressListener,
    ) -> None:
        self._eligible = np.ones(len(index), bool) if where is None else index.matching(where)
        self.images = int(np.count_nonzero(self._eligible))
        self._columns = [index.labels(column, "columns") for column in columns]
        self._setups = truth.setups
        self._queries = list(queries)
        self._listener = listener
        self._paths = [index.shown(path) for path in index.paths]
        self._same_bytes: dict[bytes, list[int]] = {}
        for row, digest in enumerate(index.hashes):
            self._same_bytes.setdefault(digest, []).append(row)
        self._largest = np.zeros((len(self._setups), 2), np.intp)
        for query in self._queries:
            for largest, setup in zip(self._largest, self._setups, strict=True):
                grades, counts = self._judged(setup, query)
                np.maximum(largest, (counts & (grades > 0)).sum(axis=1), out=largest)

    def runs(self, searcher: SearcherProtocol, workers: int) -> list[Run]:
        """Rank the index for every query, and measure in each setup."""
        label, metric = searcher.label, searcher.metric_name
        self._listener.begin(f"evaluating {label} by {metric}", len(self._queries))
        queries: list[Query] = []
        collected = [Collected() for _ in self._setups]

        def answer(query: Query) -> list[Answer] | UnreadableImageError:
            try:
                return self._answers(searcher, query)
            except UnreadableImageError as error:
                return error

        given = ordered_map(answer, self._queries, workers, _BATCH)
        for query, answers in zip(self._queries, given, strict=True):
            if isinstance(answers, UnreadableImageError):
                self._listener.unreadable(answers)
            else:
                queries.append(query)
                for one, sums in zip(answers, collected, strict=True):
                    sums.add(one)
            self._listener.advance()
        self._listener.end()
        if not queries:
            raise CbirError(
                "none of the queries can be read; give images with ", Parameter("queries")
            )
        # What cannot be read is told of once, and the runs that follow have the same queries.
        self._queries = queries
        milliseconds = self._milliseconds(searcher)
        return [
            Run(
                label,
                metric,
                [query.path for query in queries],
                [setup.label(query.topic) for query in queries],
                *sums.scores(),
                sums.curve(),
                sums.hits,
                milliseconds,
                searcher.bytes_per_image,
                searcher.weights,
                searcher.adaptive,
                setup.setup,
                [query.region for query in queries],
            )
            for setup, sums in zip(self._setups, collected, strict=True)
        ]

    def _answers(self, searcher: SearcherProtocol, query: Query) -> list[Answer]:
        """Rank the index for a query, and measure in each setup."""
        rank = ranker(searcher, _description(searcher, query))
        found = []
        for setup, largest in zip(self._setups, self._largest.tolist(), strict=True):
            grades, counts = self._judged(setup, query)
            found.append(self._answer(grades, counts, largest, rank(counts[0])))
        return found

    def _answer(
        self,
        grades: NDArray[np.integer],
        counts: NDArray[np.bool_],
        largest: list[int],
        ranked: Ranked,
    ) -> Answer:
        rows, distances = ranked
        shown = zip(rows.tolist(), distances[:KEPT_HITS].tolist(), strict=False)
        hits = [
            Hit(self._paths[row], distance, bool(grades[row] > 0), self._told(row))
            for row, distance in shown
        ]
        judged = JudgedRanking.of(grades, counts[0], rows)
        measures = judged.measures(largest[0])
        if largest[0] == largest[1] and np.array_equal(counts[0], counts[1]):  # no duplicates
            without = measures
        else:
            others = JudgedRanking.of(grades, counts[1], rows[counts[1][rows]])
            without = others.measures(largest[1])
        return Answer([measures, without], hits, judged.curve())

    def _told(self, row: int) -> tuple[str, ...]:
        return tuple(texts[row] for texts in self._columns)

    def _milliseconds(self, searcher: SearcherProtocol) -> float:
        """Return the median time of a ranking while nothing else is computed."""
        times = []
        for query in self._queries[:: -(-len(self._queries) // _TIMED)]:
            description = _description(searcher, query)
            start = time.perf_counter()
            ranker(searcher, description)(self._eligible)
            times.append(time.perf_counter() - start)
        return 1000 * statistics.median(times)

    def _judged(
        self, setup: GroundTruth, query: Query
    ) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
        """Return the grade of each image, and, shape (2, n), whether it counts for the query.

        The query itself may not; in the second row, its exact duplicates do not count either.
        """
        grades = setup.grades(query.topic)
        counts = np.stack([self._eligible] * 2)
        counts[1, self._same_bytes.get(query.sha256, [])] = False
        if query.self_row is not None:
            counts[:, query.self_row] = self._eligible[query.self_row] and not query.left_out
        aside = setup.set_aside(query.topic)
        return grades, counts if aside is None else counts & ~aside


def _description(searcher: SearcherProtocol, query: Query) -> Any:
    if query.region is not None:
        image = EncodedImage.open(query.path)
        region = query.region.in_pixels(image.path, image.dimensions)
        return searcher.describe_image(region_of(image, region))
    return searcher.describe(query.path) if query.row is None else searcher.indexed(query.row)
