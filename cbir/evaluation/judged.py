"""What rankings are worth: the measures of each query, added up to those of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.evaluation.measures import all_measures, interpolated_precision
from cbir.evaluation.model import MEASURES, RECALLS, Hit
from cbir.evaluation.scores import Scores


@dataclass(frozen=True, slots=True)
class JudgedRanking:
    """The grades of a ranking.

    Attributes
    ----------
    gains : ndarray of int
        The grades in rank order.
    missed : ndarray of int
        The grades of the right images that are not in it.
    """

    gains: NDArray[np.integer]
    missed: NDArray[np.integer]

    @classmethod
    def of(
        cls, grades: NDArray[np.integer], counts: NDArray[np.bool_], rows: NDArray[np.intp]
    ) -> JudgedRanking:
        """Judge a ranking of images that count.

        Parameters
        ----------
        grades, counts : ndarray, shape (n,)
            How right each image is, and whether it counts.
        rows : ndarray of int
            Those that were found, in rank order.
        """
        gains = grades[rows]
        if len(rows) == np.count_nonzero(counts):
            return cls(gains, gains[:0])
        is_missed = counts & (grades > 0)
        is_missed[rows] = False
        return cls(gains, grades[is_missed])

    @property
    def has_something(self) -> bool:
        """Whether there is anything to find."""
        return bool(len(self.missed) or self.gains.any())

    def measures(self, largest: int) -> list[float]:
        """Return the measures; NaN if there is nothing to find."""
        if not self.has_something:
            return [np.nan] * len(MEASURES)
        return all_measures(self.gains, largest, self.missed)

    def curve(self) -> NDArray[np.float64] | None:
        """Return the precision-recall curve, if there is anything to find."""
        if not self.has_something:
            return None
        return interpolated_precision(self.gains > 0, len(self.missed))


@dataclass(frozen=True, slots=True)
class Answer:
    """What one query gave in one setup.

    Attributes
    ----------
    measures : list of list of float
        Its measures, and those without its exact duplicates.
    hits : list of Hit
        The first results.
    curve : ndarray or None
        None if there is nothing to find.
    """

    measures: list[list[float]]
    hits: list[Hit]
    curve: NDArray[np.float64] | None


class Collected:
    """What the queries so far gave in one setup."""

    def __init__(self) -> None:
        self.hits: list[list[Hit]] = []
        self._measures: list[list[list[float]]] = []
        # Added up, so that not all of them are held.
        self._curves, self._count = np.zeros(len(RECALLS)), 0

    def add(self, answer: Answer) -> None:
        """Add what one query gave."""
        self._measures.append(answer.measures)
        self.hits.append(answer.hits)
        if answer.curve is not None:
            self._curves += answer.curve
            self._count += 1

    def scores(self) -> tuple[Scores, Scores]:
        """Return the measures, and those without exact duplicates."""
        all_, without = (
            Scores(dict(zip(MEASURES, columns, strict=True)))
            for columns in np.array(self._measures, np.float64).transpose(1, 2, 0)
        )
        return all_, without

    def curve(self) -> NDArray[np.float64]:
        """Return the mean curve; NaN if no query has anything to find."""
        return self._curves / self._count if self._count else np.full(len(RECALLS), np.nan)
