"""Learns from labels what each descriptor of a fusion counts, and judges that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import check_type
from cbir.core.errors import UsageError
from cbir.core.messages import Parameter
from cbir.core.progress import ProgressListener
from cbir.core.threads import one_thread_each, threads
from cbir.evaluation.relevance import GroundTruth
from cbir.learning.judging import MEASURES, Judgment, Ranker, judged, ranker_of, scored
from cbir.learning.labeled_images import LabeledImages, Places, labeled_images
from cbir.search.engine import Index
from cbir.search.fusion.formulas import WeightedSum
from cbir.search.fusion.options import equal_weights

MOST_IMAGES = 1000
"""Images that weights are learned from, at most: there are few of them to learn."""

WEIGHTS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
"""What is tried for one descriptor, beside the others."""

SURE = 2.0
"""Standard errors that the mAP has to gain for weights to be changed: less may be chance."""

_MOST_ROUNDS = 4
_MAP = MEASURES.index("map")


@dataclass(frozen=True, slots=True)
class LearnedWeights:
    """What the descriptors of a fusion count, as learned from labels.

    Attributes
    ----------
    fusion : str
        The aliases, joined by ``+``.
    weights : dict of str to float
        By alias; the highest is 1.
    images, classes : int
        That are labeled; the weights were learned from up to 1,000 of the images.
    judgments : list of Judgment
        Beside equal weights.
    """

    fusion: str
    weights: dict[str, float]
    images: int
    classes: int
    judgments: list[Judgment]

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return {
            "fusion": self.fusion,
            "weights": self.weights,
            "images": self.images,
            "classes": self.classes,
            "judgments": [one.to_dict() for one in self.judgments],
        }


def learn_weights(
    index: Index,
    descriptor: str,
    truth: GroundTruth,
    *,
    workers: int | None = None,
    listener: ProgressListener | None = None,
) -> LearnedWeights:
    """Learn what each descriptor of a fusion by normalized scores counts.

    The weights are those of the highest mAP that are found by changing one after the other, from
    equal ones on. They are judged in the same run, by images and by classes that they were not
    learned from.

    Parameters
    ----------
    index : Index
    descriptor : str
        Aliases of the index, joined by ``+``.
    truth : GroundTruth
        The classes; see :func:`cbir.evaluation.ground_truth.read_ground_truth`.
    workers : int, optional
        Threads; all cores unless told otherwise.
    listener : ProgressListener, optional
        Told of progress.

    Raises
    ------
    UsageError
        When it is one descriptor only.
    CbirError
        When there are too few labels.
    """
    check_type(index, Index, "an index")
    check_type(truth, GroundTruth, "a truth")
    workers, aliases = threads(workers), list(equal_weights(descriptor))
    if len(aliases) < 2:
        raise UsageError(
            Parameter("descriptor", descriptor),
            ": weights are for several descriptors; join their aliases by +, as in hsv+hog",
        )
    images = labeled_images(index, truth)
    learner = _Learner(index, aliases, images)
    with one_thread_each():
        judgments = judged(
            images, learner.ranker_by(None), learner.ranker, workers, ProgressListener.of(listener)
        )
        weights = learner.learn(np.arange(len(images)))
    return LearnedWeights("+".join(aliases), weights, len(images), images.classes, judgments)


class _Learner:
    """Learns weights from some of the labeled images."""

    def __init__(self, index: Index, aliases: Sequence[str], images: LabeledImages) -> None:
        self._index, self._aliases, self._images = index, aliases, images
        self._label = "+".join(aliases)

    def ranker(self, places: Places) -> Ranker:
        """Learn from some of the labeled images what ranks others."""
        return self.ranker_by(self.learn(places))

    def ranker_by(self, weights: dict[str, float] | None) -> Ranker:
        """Return what ranks by given weights, or by equal ones."""
        searcher = self._index.searcher(self._label, weights=weights)
        return ranker_of(searcher, self._images)

    def learn(self, places: Places) -> dict[str, float]:
        """Learn from some of the labeled images."""
        shuffled = self._images.shuffled
        chosen = np.sort(shuffled[np.isin(shuffled, places)][:MOST_IMAGES])
        weights = best_weights(self._parts(chosen), self._images.labels[chosen])
        return dict(zip(self._aliases, weights, strict=True))

    def _parts(self, places: Places) -> NDArray[np.float32]:
        """Return what each descriptor adds to distances at equal weights.

        Returns
        -------
        ndarray of float32, shape (descriptors, n, n)
            The rows of a query have a factor in common, which changes no ranking.
        """
        searcher = self._index.searcher(self._label)
        rows = self._images.rows[places]

        def of_row(row: int) -> NDArray[np.float32]:
            description = searcher.indexed(row)
            source = searcher.source_for(description)
            assert isinstance(source, WeightedSum)
            return np.array([part for _, part in source.parts(description, rows)], np.float32)

        return np.stack([of_row(row) for row in rows.tolist()], axis=1)


def best_weights(parts: NDArray[np.float32], labels: NDArray[np.intp]) -> tuple[float, ...]:
    """Find the weights of the highest mAP, one after the other, from equal ones on.

    Parameters
    ----------
    parts : ndarray of float32, shape (descriptors, n, n)
        What each descriptor adds to the distances of images to each other.
    labels : ndarray of int, shape (n,)

    Returns
    -------
    tuple of float
        The highest is 1.

    Examples
    --------
    >>> good = np.array([[0, 1, 5, 5], [1, 0, 5, 5], [5, 5, 0, 1], [5, 5, 1, 0]], np.float32)
    >>> bad = np.array([[0, 9, 1, 1], [9, 0, 1, 1], [1, 1, 0, 9], [1, 1, 9, 0]], np.float32)
    >>> best_weights(np.stack([good, bad]), np.array([0, 0, 1, 1]))
    (1.0, 0.25)
    """
    known: dict[tuple[float, ...], NDArray[np.float64]] = {}

    def averages(weights: tuple[float, ...]) -> NDArray[np.float64]:
        """Return the average precision of each query that has something to find."""
        if weights not in known:
            found = scored(np.tensordot(np.array(weights, np.float32), parts, axes=1), labels)[_MAP]
            known[weights] = found[~np.isnan(found)]
        return known[weights]

    def is_better(tried: tuple[float, ...], best: tuple[float, ...]) -> bool:
        gains = averages(tried) - averages(best)
        return bool(len(gains)) and gains.mean() > SURE * gains.std() / len(gains) ** 0.5

    best = (1.0,) * len(parts)
    for _ in range(_MOST_ROUNDS):
        before = best
        for place in range(len(parts)):
            for weight in WEIGHTS:
                tried = _scaled((*best[:place], weight, *best[place + 1 :]))
                if tried is not None and is_better(tried, best):
                    best = tried
        if best == before:
            break
    return best


def _scaled(weights: tuple[float, ...]) -> tuple[float, ...] | None:
    """Make the highest weight 1; None if all are 0."""
    highest = max(weights)
    return tuple(weight / highest for weight in weights) if highest > 0 else None
