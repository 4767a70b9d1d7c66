"""The exact distances of rows, in double precision: by numpy, or by a loop that gives the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cbir.core.machine_code import AwaitedLoop, Run
from cbir.descriptors.base import Encoding, Row
from cbir.search.candidates import Distances, RowNumbers
from cbir.search.exact import sum_kernel
from cbir.search.metrics import Metric, Values

_BLOCK = 1 << 17
"""Numbers that numpy compares at a time: a megabyte. Smaller blocks cost more calls, larger ones
cost the system more time for fresh memory."""

_WORTH_LOADING = 5_000_000
"""Numbers for which numpy takes longer than it takes to load a compiled loop."""

_WORTH_COMPILING = 100_000_000
"""Numbers that were compared after which it is time to compile a loop, meanwhile."""

_TRIED = 32
"""Rows on which a loop has to show that it gives what numpy gives."""

_SURE = 1e-100
"""Products of lengths above which a cosine is computed from sums alone."""


class ValueEncoding(Protocol):
    """Turns stored rows into the values that are compared."""

    def values(self, stored: Row, dtype: type[np.floating[Any]] = ...) -> NDArray[Any]:
        """Return the values of `stored` rows, as `dtype`."""


_FINISHED: dict[str, tuple[int, Callable[[Values], Values]]] = {
    "chi2": (sum_kernel.CHI2, lambda sums: sums * 0.5),
    "euclidean": (sum_kernel.SQUARED_DIFFERENCE, np.sqrt),
    "manhattan": (sum_kernel.DIFFERENCE, lambda sums: sums),
}
"""By metric: what is added up, and what becomes of the sums."""


@dataclass
class ExactDistances:
    """The rows of a matrix, ready to be compared exactly with a query.

    A loop is used once it is worth it, and has given on some rows what numpy gives: how numpy adds
    up is not promised.

    Attributes
    ----------
    matrix : ndarray, shape (n, width)
        As it is stored.
    encoding : ValueEncoding
    metric : Metric
    """

    matrix: Row
    encoding: ValueEncoding
    metric: Metric

    def __post_init__(self) -> None:
        is_usual = isinstance(self.encoding, Encoding) and self.matrix.flags.c_contiguous
        has_terms = self.metric.name in _FINISHED or self.metric.name == "cosine"
        loop = sum_kernel.loop_for(self.matrix.dtype) if is_usual and has_terms else None
        self._loop = AwaitedLoop(loop, _WORTH_LOADING, _WORTH_COMPILING) if loop else None
        self._is_tried = False

    def of(self, query: Row, rows: RowNumbers) -> Distances:
        """Return the distances of a stored query to some rows."""
        values = self.encoding.values(query)
        run = self._run(values, rows)
        return self._by_numpy(values, rows) if run is None else self._by_loop(run, values, rows)

    def _run(self, values: Values, rows: RowNumbers) -> Run | None:
        """Return what runs the loop, if it may be used; it does not check what numpy checks."""
        count, width = self.matrix.shape
        run, loop = None, self._loop  # which another thread may find wanting meanwhile
        if loop is not None and len(rows) and values.shape == (width,):
            run = loop.after(len(rows) * width)
        if run is not None and not (rows.min() >= 0 and rows.max() < count):
            return None
        if run is not None and not self._is_tried:
            some = rows[:_TRIED]
            found = self._by_loop(run, values, some)
            if not np.array_equal(found, self._by_numpy(values, some), equal_nan=True):
                self._loop = run = None
            self._is_tried = True
        return run

    def _by_numpy(self, values: Values, rows: RowNumbers) -> Distances:
        distances = np.empty(len(rows), np.float64)
        step = max(1, _BLOCK // max(1, self.matrix.shape[1]))
        for start in range(0, len(rows), step):
            block = slice(start, start + step)
            some = self.encoding.values(self.matrix[rows[block]])
            distances[block] = self.metric.between(values, some)
        return distances

    def _by_loop(self, run: Run, values: Values, rows: RowNumbers) -> Distances:
        if self.metric.name in _FINISHED:
            term, finished = _FINISHED[self.metric.name]
            return finished(self._sums(run, values, rows, term))
        products = self._sums(run, values, rows, sum_kernel.PRODUCT)
        squares = self._sums(run, values, rows, sum_kernel.SQUARE)
        with np.errstate(all="ignore"):
            lengths = np.sqrt(squares * np.square(values)[None].sum(axis=1))
            distances: Distances = np.clip(1 - products / lengths, 0, 2)
        # What is faint, or no number, takes more care.
        unsure = ~((lengths > _SURE) & np.isfinite(lengths))
        if unsure.any():
            distances[unsure] = self._by_numpy(values, rows[unsure])
        return distances

    def _sums(self, run: Run, values: Values, rows: RowNumbers, term: int) -> Distances:
        assert isinstance(self.encoding, Encoding)
        sums = np.empty(len(rows), np.float64)
        order = sum_kernel.order_of(self.matrix.shape[1])
        is_square = self.encoding.power == 2
        run(
            np.ascontiguousarray(values),
            self.matrix,
            np.ascontiguousarray(rows, np.int64),
            len(rows),
            self.matrix.shape[1],
            self.encoding.scale,
            is_square,
            term,
            order,
            len(order),
            sum_kernel.room(),
            sums,
        )
        return sums
