"""Judges what was learned by images, and by classes, that it was not learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.progress import ProgressListener
from cbir.core.threads import ordered_map
from cbir.evaluation.measures import average_precision, precision
from cbir.evaluation.scores import nan_to_none
from cbir.evaluation.statistics import Difference, paired_difference
from cbir.learning.labeled_images import LabeledImages, Places, Split
from cbir.search.candidates import Distances
from cbir.search.searchers import Searcher

MEASURES = ("precision@10", "map")
"""What it is judged by; :mod:`cbir.evaluation.measures` defines them."""

_MOST_WORKERS = 4
"""Threads, at most: each holds the values of all images."""

Ranker = Callable[[Places], Distances]
"""Returns the distances of some labeled images to each other, shape (n, n)."""

Learner = Callable[[Places], Ranker]
"""Learns from some labeled images what ranks others."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The mean of a measure without what was learned and with it, on the same queries."""

    before: float
    after: float
    difference: Difference


@dataclass(frozen=True, slots=True)
class Judgment:
    """How good what was learned is on what it was not learned from.

    Attributes
    ----------
    held_out : str
        What was held out: ``images``, or ``classes``.
    splits : int
        How often that was done, each image being held out once.
    queries : int
        Images that had something to find among those held out with them.
    comparisons : dict of str to Comparison
        By the names in :data:`MEASURES`.
    """

    held_out: str
    splits: int
    queries: int
    comparisons: dict[str, Comparison]

    @property
    def helps(self) -> bool | None:
        """Whether mAP is better by more than chance; None: neither better nor worse."""
        found = self.comparisons["map"].difference
        return True if found.low > 0 else False if found.high < 0 else None

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return {
            "held_out": self.held_out,
            "splits": self.splits,
            "queries": self.queries,
            "helps": self.helps,
            "measures": {
                name: {
                    "before": nan_to_none(one.before),
                    "after": nan_to_none(one.after),
                    "difference": nan_to_none(one.difference.mean),
                    "interval": [nan_to_none(one.difference.low), nan_to_none(one.difference.high)],
                    "p_value": one.difference.p_value,
                }
                for name, one in self.comparisons.items()
            },
        }


def judged(
    images: LabeledImages,
    before: Ranker,
    learn: Learner,
    workers: int,
    listener: ProgressListener,
) -> list[Judgment]:
    """Judge by held-out images, and by held-out classes where there are enough.

    Parameters
    ----------
    images : LabeledImages
    before : callable
        Ranks without anything learned.
    learn : callable
        Is given the images to learn from.
    workers : int
        Threads; the numbers do not depend on it.
    listener : ProgressListener
        Told of progress.
    """

    def scores_of(split: Split) -> NDArray[np.float64]:
        labels, after = images.labels[split.held_out], learn(split.learned)
        return np.stack([scored(ranker(split.held_out), labels) for ranker in (before, after)])

    splits = {"images": images.image_splits(), "classes": images.class_splits()}
    listener.begin("learning and judging", sum(map(len, splits.values())), "splits")
    found = []
    for name, some in splits.items():
        scores = []
        for one in ordered_map(scores_of, some, min(workers, _MOST_WORKERS), 1):
            scores.append(one)
            listener.advance()
        if some:
            found.append(_judgment(name, len(some), np.concatenate(scores, axis=2)))
    listener.end()
    return found


def _judgment(held_out: str, splits: int, scores: NDArray[np.float64]) -> Judgment:
    """Compare the scores before and after, of shape (2, measures, queries)."""
    counted = scores[:, :, ~np.isnan(scores[0, 0])]
    means = counted.mean(axis=2) if counted.size else np.full(counted.shape[:2], np.nan)
    comparisons = {
        measure: Comparison(
            float(means[0, place]),
            float(means[1, place]),
            paired_difference(counted[1, place], counted[0, place]),
        )
        for place, measure in enumerate(MEASURES)
    }
    return Judgment(held_out, splits, counted.shape[2], comparisons)


def scored(distances: NDArray[np.floating[Any]], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Let images query each other, and measure what they find.

    Parameters
    ----------
    distances : ndarray, shape (n, n)
        A row a query, which is left out of its own ranking; equal ones are ranked as they are.
    labels : ndarray, shape (n,)

    Returns
    -------
    ndarray of float64, shape (measures, n)
        NaN for a query that has nothing to find.

    Examples
    --------
    >>> scored(np.array([[0, 1, 2], [1, 0, 2], [2, 2, 0]]), np.array([0, 0, 1]))[1]
    array([ 1.,  1., nan])
    """
    scores = np.full((len(MEASURES), len(labels)), np.nan)
    for query, label in enumerate(labels):
        order = np.argsort(distances[query], kind="stable")
        relevant = labels[order[order != query]] == label
        if relevant.any():
            scores[:, query] = precision(relevant, 10), average_precision(relevant)
    return scores


def ranker_of(searcher: Searcher[Any], images: LabeledImages) -> Ranker:
    """Return what ranks labeled images as a searcher of their index does."""

    def distances(places: Places) -> Distances:
        rows = images.rows[places]

        def of_row(row: int) -> Distances:
            description = searcher.indexed(row)
            return searcher.source_for(description).exact(description, rows)

        return np.stack([of_row(row) for row in rows.tolist()])

    return distances
