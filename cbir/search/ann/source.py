"""The candidate source of a structure: rows that it names, and those that it does not cover."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Row
from cbir.search.ann.choosing import NEAREST
from cbir.search.ann.coverage import Coverage
from cbir.search.ann.engines.base import Structure
from cbir.search.ann.vectors import VectorMap
from cbir.search.candidates import Distances, RowMask, RowNumbers, ScannedSource

_FEW = 64
"""Below this share of all rows, the exact distances of those that are eligible cost less."""

_WORTH = 3
"""A structure that compares more than this share of all rows is no faster than an exact search."""


class ApproximateSource(ScannedSource[Row]):
    """The rows of an index, of which a structure names the nearest.

    What is estimated, and which rows are within a limit, is as the exact source has it: only
    :meth:`candidates` does without looking at all rows.

    Parameters
    ----------
    exact : ScannedSource
        The rows, compared exactly.
    part : callable
        Returns the exact source of some rows, in their order.
    structure : Structure
    vector_map : VectorMap
        As the vectors of the structure were made.
    coverage : Coverage
    effort, depth : int
        With which the structure finds the :data:`NEAREST`; see
        :class:`~cbir.search.ann.tuning.Tuning`.
    """

    approximate = True

    def __init__(
        self,
        exact: ScannedSource[Row],
        part: Callable[[RowNumbers], ScannedSource[Row]],
        structure: Structure,
        vector_map: VectorMap,
        coverage: Coverage,
        effort: int,
        depth: int,
    ) -> None:
        self.coverage = coverage
        self._exact, self._part = exact, part
        self._structure, self._vector_map = structure, vector_map
        self._effort, self._depth = effort, depth

    def __len__(self) -> int:
        return len(self._exact)

    def estimate(self, query: Row) -> NDArray[Any]:
        return self._exact.estimate(query)

    def exact(self, query: Row, rows: RowNumbers) -> Distances:
        return self._exact.exact(query, rows)

    def tolerance(self, query: Row, distance: float) -> float:
        return self._exact.tolerance(query, distance)

    def candidates(self, query: Row, k: int, eligible: RowMask | None = None) -> RowNumbers:
        # In proportion to what is enough for those that it was tuned for.
        return self.named(query, -(-self._depth * max(k, NEAREST) // NEAREST), eligible)

    def named(self, query: Row, count: int, eligible: RowMask | None = None) -> RowNumbers:
        """Return about so many eligible rows that seem to be nearest; all if there are fewer."""
        there = len(self) if eligible is None else int(np.count_nonzero(eligible))
        if there <= max(count, len(self) // _FEW):
            return np.arange(len(self)) if eligible is None else np.flatnonzero(eligible)
        covered = self._covered(query, count, eligible, there)
        if covered is None:
            return self._exact.candidates(query, count, eligible)
        return np.concatenate([covered, self._beside(query, count, eligible)])

    def _covered(
        self, query: Row, count: int, eligible: RowMask | None, there: int
    ) -> RowNumbers | None:
        """Return rows that the structure names, or None where it would take too long.

        It knows nothing of eligible rows, nor which images have gone: it is asked for more, until
        there are enough.
        """
        vector = self._vector_map(query[None])[0]
        asked = -(-count * len(self._structure) // max(1, there))
        while True:
            # What lies farther takes as many times the effort to be found as well.
            effort = -(-self._effort * max(asked, self._depth) // self._depth)
            if _WORTH * self._structure.compared(asked, effort) > len(self):
                return None
            rows = self.coverage.rows_of(self._structure.search(vector, asked, effort))
            if eligible is not None:
                rows = rows[eligible[rows]]
            if len(rows) >= count:
                return rows
            asked *= 2

    def _beside(self, query: Row, count: int, eligible: RowMask | None) -> RowNumbers:
        """Return the nearest of the rows that the structure does not cover."""
        rows = self.coverage.uncovered
        some = None if eligible is None else eligible[rows]
        count = min(count, len(rows) if some is None else int(np.count_nonzero(some)))
        if not count:
            return np.empty(0, np.intp)
        return rows[self._uncovered.candidates(query, count, some)]

    @cached_property
    def _uncovered(self) -> ScannedSource[Row]:
        return self._part(self.coverage.uncovered)
