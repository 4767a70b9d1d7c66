"""The flat index: vectors that are all compared with the query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.machine_code import AwaitedLoop
from cbir.core.threads import in_parts
from cbir.descriptors.base import Encoding, Row
from cbir.search.candidates import Distances, RowMask, RowNumbers, ScannedSource
from cbir.search.exact import kernels
from cbir.search.exact.exact_distances import ExactDistances, ValueEncoding
from cbir.search.exact.product_bounds import BOUNDS, Bound, lower_bounds
from cbir.search.metrics import Metric
from cbir.search.sources import StoredRows

_BLOCK = 1 << 17
"""Numbers that a block holds: half a megabyte in single precision. Smaller blocks cost more calls,
larger ones cost the system more time for fresh memory."""

_WORTH_THREADS = 1 << 22
"""Numbers to scan above which threads pay for themselves."""

_WORTH_LOADING = 50_000_000
"""Numbers to scan for which numpy takes longer than it takes to load a compiled loop."""

_WORTH_A_PRODUCT = 4
"""Queries for which to multiply matrices is faster than to compare one after the other."""

_MOST_BOUNDS = 1 << 24
"""Bounds that are held at a time: 64 megabytes."""

_WORTH_COMPILING = 300_000_000
"""Numbers that were scanned after which it is time to compile a loop, meanwhile."""


@dataclass
class FlatIndex(ScannedSource[Row]):
    """Vectors, compared by any metric on numbers."""

    matrix: Row
    encoding: ValueEncoding
    metric: Metric

    def __post_init__(self) -> None:
        loop = kernels.loop_of(self.metric.name, self.matrix.dtype)
        is_usual = isinstance(self.encoding, Encoding) and self.matrix.flags.c_contiguous
        self._loop = (
            AwaitedLoop(loop, _WORTH_LOADING, _WORTH_COMPILING) if loop and is_usual else None
        )
        self._exact = ExactDistances(self.matrix, self.encoding, self.metric)

    @classmethod
    def of(cls, stored: StoredRows) -> FlatIndex:
        return cls(stored.matrix, stored.descriptor.encoding, stored.metric)

    def __len__(self) -> int:
        return len(self.matrix)

    def estimate(self, query: Row) -> NDArray[np.floating[Any]]:
        estimates = np.empty(len(self.matrix), self._precision())
        scan = self._scan()

        def scan_part(part: slice) -> None:
            scan(query, self.matrix[part], estimates[part])

        in_parts(scan_part, len(self.matrix), self.matrix.size > _WORTH_THREADS)
        return estimates

    def exact(self, query: Row, rows: RowNumbers) -> Distances:
        return self._exact.of(query, rows)

    def among(self, queries: Sequence[Row], rows: RowNumbers) -> NDArray[np.floating[Any]]:
        # They are copied side by side once, and scanned once for each query.
        some = replace(self, matrix=self.matrix[rows])
        return np.stack([some.estimate(query) for query in queries])

    def candidates_of_each(
        self, queries: Sequence[Row], k: int, eligible: Sequence[RowMask | None]
    ) -> Iterator[RowNumbers]:
        bound = BOUNDS.get(self.metric.name)
        if bound is None or len(queries) < _WORTH_A_PRODUCT or self._precision() is not np.float32:
            yield from super().candidates_of_each(queries, k, eligible)
            return
        step = max(1, _MOST_BOUNDS // max(1, len(self)))
        for start in range(0, len(queries), step):
            some = slice(start, start + step)
            yield from self._by_product(bound, queries[some], k, eligible[some])

    def _by_product(
        self, bound: Bound, queries: Sequence[Row], k: int, eligible: Sequence[RowMask | None]
    ) -> Iterator[RowNumbers]:
        """Yield the candidates for each query: the rows whose bound is within what is certain."""
        with np.errstate(over="ignore", invalid="ignore"):  # then no tolerance is finite
            stacked = self._values(np.stack(queries))
            bounds, tolerances = lower_bounds(bound, stacked, self.matrix, self._values)
        for query, lower, tolerance, mask in zip(
            queries, bounds, tolerances, eligible, strict=True
        ):
            some = np.where(mask, lower, np.inf) if mask is not None else lower
            nearest = np.flatnonzero(some <= np.partition(some, k - 1)[k - 1])[:k]
            limit = bound.of_distance(float(self.exact(query, nearest).max(initial=0))) + tolerance
            near = np.flatnonzero(some <= limit)
            # What is no number, or no direction, is compared in the usual way.
            is_usual = np.isfinite(limit) and len(near) >= k and query.any()
            yield near if is_usual else self.candidates(query, k, mask)

    def _values(self, stored: Row) -> NDArray[np.float32]:
        return self.encoding.values(stored, np.float32)

    def tolerance(self, query: Row, distance: float) -> float:
        # Summing is off by a share of the distance; rounding the values, by a share of their size,
        # which matters for rows that are nearly equal. Without a scale, their size does not count.
        rounding = 1e-6 if self._precision() is np.float32 else 1e-13
        size = 10.0 if self.metric.scale_free else float(np.abs(self.encoding.values(query)).sum())
        return rounding * (100 * abs(distance) + size)

    def _scan(self) -> Callable[[Row, Row, Row], None]:
        """Return what writes the distances of a query to some rows."""
        run = self._loop.after(self.matrix.size) if self._loop is not None else None
        if run is None:
            return self._scan_with_numpy
        assert isinstance(self.encoding, Encoding)
        square = self.encoding.power == 2
        scale = np.float32(self.encoding.scale**self.encoding.power)

        def scan(query: Row, rows: Row, out: Row) -> None:
            run(kernels.compared(query, square), rows, *rows.shape, square, scale, out)

        return scan

    def _scan_with_numpy(self, query: Row, rows: Row, out: Row) -> None:
        values = self.encoding.values(query, self._precision())
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is computed exactly
            for block in self._blocks(len(rows)):
                some = self.encoding.values(rows[block], self._precision())
                out[block] = self.metric.between(values, some)

    def _precision(self) -> type[np.floating[Any]]:
        """Return single precision if it holds every stored number."""
        return np.float32 if np.can_cast(self.matrix.dtype, np.float32, "safe") else np.float64

    def _blocks(self, rows: int) -> Iterator[slice]:
        step = max(1, _BLOCK // max(1, self.matrix.shape[1]))
        return (slice(start, start + step) for start in range(0, rows, step))
