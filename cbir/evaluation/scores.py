"""The measures of a run, query by query, with their means and intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import one_of
from cbir.evaluation.statistics import bootstrap_intervals


@dataclass(frozen=True)
class Scores:
    """The measures of a run, a number a query.

    A query that has nothing to find has no measures: its numbers are NaN, and the means leave it
    out.

    Attributes
    ----------
    values : dict of str to ndarray of float64, shape (queries,)
        By the names in :data:`~cbir.evaluation.model.MEASURES`.

    Examples
    --------
    >>> scores = Scores({"map": np.array([1.0, 0.5, np.nan])})
    >>> scores.mean("map"), scores.counted
    (0.75, 2)
    """

    values: dict[str, NDArray[np.float64]]

    @property
    def counts(self) -> NDArray[np.bool_]:
        """Which queries have something to find, shape (queries,)."""
        return ~np.isnan(next(iter(self.values.values())))

    @property
    def counted(self) -> int:
        """The number of queries that have something to find."""
        return int(self.counts.sum())

    def of(self, measure: str) -> NDArray[np.float64]:
        """Return the values of a measure.

        Raises
        ------
        UsageError
            When there is no such measure.
        """
        return self.values[one_of(measure, self.values, "measure")]

    def mean(self, measure: str) -> float:
        """Return the mean of a measure over the queries that count; NaN if there is none."""
        return mean_of(self.of(measure))

    def interval(self, measure: str) -> tuple[float, float]:
        """Return the 95 % interval of a mean.

        See :func:`cbir.evaluation.statistics.bootstrap_intervals`; NaN for no query.
        """
        values = self.of(measure)[self.counts]
        if measure not in self._intervals:
            low, high = bootstrap_intervals(values[None])[0].tolist()
            self._intervals[measure] = (low, high)
        return self._intervals[measure]

    @cached_property
    def _intervals(self) -> dict[str, tuple[float, float]]:
        """Those that were asked for so far."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Return the means with the number of queries and the intervals, ready for JSON.

        What a measure with a cutoff gives is itself a dictionary: ``["precision"]["10"]``. Where
        no query counts, a mean is None.
        """
        means = {name: nan_to_none(self.mean(name)) for name in self.values}
        intervals = {
            name: [nan_to_none(end) for end in self.interval(name)] for name in self.values
        }
        return {"queries": self.counted, **_nested(means), "intervals": _nested(intervals)}


def mean_of(values: NDArray[np.float64]) -> float:
    """Return the mean of what is a number; NaN if nothing is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def nan_to_none(value: float) -> float | None:
    """Return None for NaN, which JSON does not have."""
    return None if np.isnan(value) else value


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Turn ``precision@10`` into ``["precision"]["10"]``."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        measure, _, cutoff = name.partition("@")
        if cutoff:
            nested.setdefault(measure, {})[cutoff] = value
        else:
            nested[measure] = value
    return nested
