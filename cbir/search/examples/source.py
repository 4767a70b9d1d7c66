"""The rows of an index at their distances to several examples."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbir.search.candidates import Distances, RowMask, RowNumbers, ScannedSource
from cbir.search.examples.examples import D, Examples
from cbir.search.examples.formulas import fed_back, soft_minimum

_UNSURE = 1e-3
"""What is estimated no better than this share of the usual distance is computed exactly."""


class Comparison(NamedTuple):
    """What compares the rows with one description."""

    source: ScannedSource[Any]
    description: Any


class _Bounds(NamedTuple):
    """Between what the distances of all rows are: to one example, or to all."""

    least: Distances
    most: Distances


class ExamplesSource(ScannedSource[Examples[D]]):
    """Rows at one distance from all examples of a search; see the formulas.

    They are for one query: the estimates are made once.

    Parameters
    ----------
    comparisons : Examples of Comparison
        For each description, the rows ready to be compared with it.
    """

    def __init__(self, comparisons: Examples[Comparison]) -> None:
        self.comparisons = comparisons

    def __len__(self) -> int:
        return len(self.comparisons.wanted[0][0].source)

    @property
    def approximate(self) -> bool:  # type: ignore[override]
        """Whether few rows are named for each of the images."""
        return self.comparisons.wanted[0][0].source.approximate

    def candidates(self, query: Examples[D], k: int, eligible: RowMask | None = None) -> RowNumbers:
        """Return rows among which are the nearest of those that are eligible."""
        if not self.approximate:
            return super().candidates(query, k, eligible)
        # What is near to all is near to one of them, as a rule.
        named = [
            source.candidates(one, k, eligible)
            for views in self.comparisons.wanted
            for source, one in views
        ]
        return np.unique(np.concatenate(named))

    def estimate(self, query: Examples[D]) -> Distances:
        """Return the distance of every row, nearly."""
        return self._estimates[0]

    def tolerance(self, query: Examples[D], distance: float) -> float:
        """Return by how much any estimate may be off."""
        return self._estimates[1]

    def exact(self, query: Examples[D], rows: RowNumbers) -> Distances:
        """Return the distances of some rows."""
        return self._exact(rows)

    def nearest_views(self, rows: RowNumbers) -> NDArray[np.intp]:
        """Return which view of the wanted images is the nearest to each of some rows, from 0.

        Of several images it is a view of the one that is nearest.
        """
        views = zip(*self.comparisons.wanted, strict=True)
        distances = [_nearest(images, rows) for images in views]
        return np.argmin(distances, axis=0)

    def _exact(self, rows: RowNumbers) -> Distances:
        nearest = partial(_nearest, rows=rows)
        return _combined(self.comparisons, nearest, nearest)

    @cached_property
    def _estimates(self) -> tuple[Distances, float]:
        """The distance of every row, nearly, and by how much one may be off."""
        # The whole grows with what is wanted and shrinks with what is not, so that it lies between
        # what the bounds of its parts give.
        bounds = self.comparisons.each(_bounds)
        least = _combined(bounds, _least, _most)
        most = _combined(bounds, _most, _least)
        with np.errstate(invalid="ignore"):
            estimates, errors = (least + most) / 2, most - least
        is_known = np.isfinite(errors)
        usual = float(np.median(estimates[is_known])) if is_known.any() else 0.0
        is_sure = is_known & (errors <= _UNSURE * usual)
        estimates[~is_sure] = self._exact(np.flatnonzero(~is_sure))
        return estimates, float(errors[is_sure].max(initial=0.0))


def _combined(
    examples: Examples[Any],
    of_wanted: Callable[[tuple[Any, ...]], Distances],
    of_unwanted: Callable[[tuple[Any, ...]], Distances],
) -> Distances:
    """Return the distances to all examples, from those to the views of each."""
    wanted = soft_minimum(np.array([of_wanted(views) for views in examples.wanted]))
    if not examples.unwanted:
        return wanted
    unwanted = soft_minimum(np.array([of_unwanted(views) for views in examples.unwanted]))
    return fed_back(wanted, unwanted)


def _nearest(views: tuple[Comparison, ...], rows: RowNumbers) -> Distances:
    return np.min([_exact(view, rows) for view in views], axis=0)


def _exact(comparison: Comparison, rows: RowNumbers) -> Distances:
    return comparison.source.exact(comparison.description, rows)


def _bounds(comparison: Comparison) -> _Bounds:
    source, description = comparison
    estimates = np.asarray(source.estimate(description), np.float64)
    farthest = estimates[np.isfinite(estimates)].max(initial=0.0)
    tolerance = source.tolerance(description, float(farthest))
    return _Bounds(np.maximum(estimates - tolerance, 0), estimates + tolerance)


def _least(views: tuple[_Bounds, ...]) -> Distances:
    return np.min([view.least for view in views], axis=0)


def _most(views: tuple[_Bounds, ...]) -> Distances:
    return np.min([view.most for view in views], axis=0)
