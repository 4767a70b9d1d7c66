"""What an evaluation finds: runs of one descriptor and metric each, with measures a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import check_type
from cbir.core.checks import check_whole
from cbir.core.errors import printable
from cbir.evaluation.scores import Scores, mean_of
from cbir.evaluation.statistics import Difference, paired_difference
from cbir.images.region import Region

CUTOFFS = (1, 3, 10, 20, 100)
"""Numbers of results after which precision and recall are taken."""

REVISITED_CUTOFFS = (1, 5, 10)
"""Those of mP@k, which revisited Oxford and Paris are measured by."""

RECALLS = np.linspace(0, 1, 101)
"""Where the precision-recall curve is sampled."""

MEASURES = (
    "map",
    "trapezoidal_map",
    *(f"precision@{k}" for k in CUTOFFS),
    *(f"recall@{k}" for k in CUTOFFS),
    "ns_score",
    "anmrr",
    "ndcg",
    *(f"mp@{k}" for k in REVISITED_CUTOFFS),
)
"""The names of the measures; :mod:`cbir.evaluation.measures` defines them. Higher is better, with
the exception of ``anmrr``."""

KEPT_HITS = 10
"""Results of each query that are kept for people to look at."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An image that a query returned.

    Attributes
    ----------
    path : str
        Opens from the current folder.
    distance : float
        To the query, by the run's metric.
    relevant : bool
        Whether the ground truth calls it right.
    texts : tuple of str
        What is known about it, by the columns that were asked for.
    """

    path: str
    distance: float
    relevant: bool
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """How one descriptor does under one metric, or one fusion of several.

    Attributes
    ----------
    descriptor, metric : str
        Label and metric of what searched.
    queries : list of str
        Paths that open from the current folder.
    labels : list of (str or None)
        The class of each query, where the truth has classes.
    scores : Scores
    scores_without_duplicates : Scores
        The same with exact duplicates of the query (files of the same SHA-256) set aside: neither
        right nor wrong.
    curve : ndarray of float64, shape (101,)
        Interpolated precision at each of :data:`RECALLS`, the mean over the queries that have
        something to find; NaN if there is none.
    hits : list of list of Hit
        The first :data:`KEPT_HITS` results of each query.
    ms_per_query : float
        Median time to compare a query with every image and rank all of them, while nothing else
        is computed; describing it not included.
    bytes_per_image : int
        What an image's description takes in memory.
    weights : mapping of str to float
        Of a fusion: what each descriptor counts, by alias. Of one descriptor: empty.
    adaptive : bool
        Of a fusion: whether each query changes these weights.
    setup : str or None
        Which setup of the truth it was measured in, if that has several.
    regions : list of (Region or None)
        The parts of the queries that were searched by; empty if all of each was.
    """

    descriptor: str
    metric: str
    queries: list[str]
    labels: list[str | None]
    scores: Scores
    scores_without_duplicates: Scores
    curve: NDArray[np.float64]
    hits: list[list[Hit]]
    ms_per_query: float
    bytes_per_image: int
    weights: Mapping[str, float] = field(default_factory=dict)
    adaptive: bool = False
    setup: str | None = None
    regions: list[Region | None] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What tells it from the other runs, in words."""
        return f"{self.descriptor}, {self.how}"

    @property
    def how(self) -> str:
        """Its metric, and the setup if there are several; what a column of tables has."""
        return self.metric if self.setup is None else f"{self.metric}, {self.setup}"

    def region(self, row: int) -> Region | None:
        """Return the part of a query that was searched by; None if all of it was."""
        return self.regions[row] if self.regions else None

    def mean(self, measure: str) -> float:
        """Return the mean of a measure; see :meth:`Scores.mean`."""
        return self.scores.mean(measure)

    def interval(self, measure: str) -> tuple[float, float]:
        """Return the 95 % interval of a mean; see :meth:`Scores.interval`."""
        return self.scores.interval(measure)

    def by_class(self, measure: str) -> dict[str, float]:
        """Return the mean of a measure over the queries of each class.

        Classes are sorted by name; those whose queries have nothing to find are left out, and so
        are queries without a class.
        """
        members = self._rows_by_class()
        values = self.scores.of(measure)
        return {label: mean_of(values[rows]) for label, rows in members.items()}

    def queries_by_class(self) -> dict[str, int]:
        """Return how many queries of each class count; the keys are those of :meth:`by_class`."""
        return {label: len(rows) for label, rows in self._rows_by_class().items()}

    def worst(self, count: int, measure: str = "map") -> list[int]:
        """Return the numbers of the queries with the lowest values, the worst first.

        Equal ones are in the order of the queries; those that have nothing to find are left out.
        For ``anmrr`` the worst are the highest.
        """
        check_whole("count", count, least=0)
        values = self.scores.of(measure)
        order = np.argsort(-values if measure == "anmrr" else values, kind="stable")
        return [int(row) for row in order if not np.isnan(values[row])][:count]

    def compare(self, other: Run, measure: str = "map") -> Difference:
        """Test whether this run differs from another one, on the queries that count in both.

        Returns
        -------
        Difference
            This run's mean minus the other's, with its interval and p-value; see
            :func:`cbir.evaluation.statistics.paired_difference`.
        """
        check_type(other, Run, "the other run")
        theirs = {query: row for row, query in enumerate(other._asked())}
        shared = [
            (row, theirs[query]) for row, query in enumerate(self._asked()) if query in theirs
        ]
        rows = np.array(shared, np.intp).reshape(-1, 2)
        ours, others = self.scores.of(measure), other.scores.of(measure)
        return paired_difference(ours[rows[:, 0]], others[rows[:, 1]])

    def to_dict(self) -> dict[str, Any]:
        """Return the means, intervals, classes and costs, ready for JSON.

        Per class: the number of queries, mAP and P@10. Of a fusion also its parts.
        """
        maps, precisions = self.by_class("map"), self.by_class("precision@10")
        parts = {alias: {"weight": weight} for alias, weight in self.weights.items()}
        return {
            "descriptor": self.descriptor,
            "metric": self.metric,
            **({} if self.setup is None else {"setup": self.setup}),
            **({"parts": parts, "adaptive": self.adaptive} if parts else {}),
            **self.scores.to_dict(),
            "without_duplicates": self.scores_without_duplicates.to_dict(),
            "classes": {
                label: {
                    "queries": count,
                    "map": maps[label],
                    "precision": {"10": precisions[label]},
                }
                for label, count in self.queries_by_class().items()
            },
            "ms_per_query": self.ms_per_query,
            "bytes_per_image": self.bytes_per_image,
        }

    def _asked(self) -> list[tuple[str, Region | None]]:
        """Return the queries; one image may be several, each by another region."""
        return [(query, self.region(row)) for row, query in enumerate(self.queries)]

    def _rows_by_class(self) -> dict[str, list[int]]:
        members: dict[str, list[int]] = {}
        for row in np.flatnonzero(self.scores.counts).tolist():
            label = self.labels[row]
            if label is not None:
                members.setdefault(label, []).append(row)
        return dict(sorted(members.items()))


@dataclass(frozen=True)
class Evaluation:
    """How good some descriptors are on labeled images.

    Attributes
    ----------
    dataset : str
        The folder, as it was given.
    images : int
        In the index, or as many of them as take part.
    protocol : str
        Which images query; see :mod:`cbir.evaluation.protocols`.
    truth : str
        What is right, as it was given; see :mod:`cbir.evaluation.ground_truth`.
    runs : list of Run
        Setup by setup, if the truth has several; the best mAP first, and equal ones by descriptor
        and metric.
    where : str or None
        The condition for images to take part.
    columns : tuple of str
        The columns of metadata that results have.
    root : str or None
        The folder that the paths of hits begin with, if that is not `dataset`.
    """

    dataset: str
    images: int
    protocol: str
    truth: str
    runs: list[Run]
    where: str | None = None
    columns: tuple[str, ...] = ()
    root: str | None = None

    @property
    def folder(self) -> str:
        """The folder that the paths of hits begin with."""
        return self.dataset if self.root is None else self.root

    @property
    def queries(self) -> int:
        """The number of queries that have something to find; in the setup that has most of them."""
        return max((run.scores.counted for run in self.runs), default=0)

    @property
    def empty_queries(self) -> int:
        """The number of queries that have nothing to find, and so are left out of the means."""
        return len(self.runs[0].queries) - self.queries if self.runs else 0

    def best(self, run: Run) -> Run:
        """Return the best run in the same setup as `run`."""
        return next(one for one in self.runs if one.setup == run.setup)

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return {
            "dataset": printable(self.dataset),
            "images": self.images,
            "protocol": printable(self.protocol),
            "truth": printable(self.truth),
            **({} if self.where is None else {"where": printable(self.where)}),
            "queries": self.queries,
            "empty_queries": self.empty_queries,
            "runs": [run.to_dict() for run in self.runs],
        }


def sorted_runs(runs: Sequence[Run]) -> list[Run]:
    """Return runs, the best mAP first; equal ones by descriptor and metric.

    Those of a setup stay together, in the order in which the setups first come.
    """
    setups = {setup: place for place, setup in enumerate(dict.fromkeys(run.setup for run in runs))}
    return sorted(
        runs, key=lambda run: (setups[run.setup], -run.mean("map"), run.descriptor, run.metric)
    )
