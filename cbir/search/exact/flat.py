"""The flat index: vectors that are all compared with the query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cbir.core.threads import cores, scan_pool
from cbir.descriptors.base import Encoding, Row
from cbir.search.candidates import Distances, RowNumbers, ScannedSource
from cbir.search.metrics import Metric
from cbir.search.sources import StoredRows

_BLOCK = 1 << 17
"""Numbers that a block holds: half a megabyte in single precision. Smaller blocks cost more calls,
larger ones cost the system more time for fresh memory."""

_WORTH_THREADS = 1 << 22
"""Numbers to scan above which threads pay for themselves."""

_WORTH_NUMBA = 300_000_000
"""Numbers to scan after which numpy has taken as long as numba takes to import."""

_WORTH_COMPILING = 20 * _WORTH_NUMBA
"""The same for a kernel that was never compiled on this machine."""


class ValueEncoding(Protocol):
    """Turns stored rows into the values that are compared."""

    def values(self, stored: Row, dtype: type[np.floating[Any]] = ...) -> NDArray[Any]:
        """Return the values of `stored` rows, as `dtype`."""


@dataclass
class FlatIndex(ScannedSource[Row]):
    """Vectors, compared by any metric on numbers."""

    matrix: Row
    encoding: ValueEncoding
    metric: Metric
    _scanned: int = 0

    @classmethod
    def of(cls, stored: StoredRows) -> FlatIndex:
        return cls(stored.matrix, stored.descriptor.encoding, stored.metric)

    def __len__(self) -> int:
        return len(self.matrix)

    def estimate(self, query: Row) -> NDArray[np.floating[Any]]:
        precision = self._precision()
        values = self.encoding.values(query, precision)
        estimates = np.empty(len(self.matrix), precision)
        scan = self._scan()

        def scan_part(part: slice) -> None:
            scan(values, self.matrix[part], estimates[part])

        # One part a thread, and one is our own: what is handed over has to wait for Python's lock.
        first, *others = self._parts()
        scanned = [scan_pool().submit(scan_part, part) for part in others]
        scan_part(first)
        for one in scanned:
            one.result()
        return estimates

    def exact(self, query: Row, rows: RowNumbers) -> Distances:
        values = self.encoding.values(query)
        distances = np.empty(len(rows), np.float64)
        for block in self._blocks(len(rows)):
            some = self.encoding.values(self.matrix[rows[block]])
            distances[block] = self.metric.between(values, some)
        return distances

    def among(self, queries: Sequence[Row], rows: RowNumbers) -> NDArray[np.floating[Any]]:
        # They are copied side by side once, and scanned once for each query.
        some = replace(self, matrix=self.matrix[rows])
        return np.stack([some.estimate(query) for query in queries])

    def tolerance(self, query: Row, distance: float) -> float:
        # Summing is off by a share of the distance; rounding the values, by a share of their size,
        # which matters for rows that are nearly equal. Without a scale, their size does not count.
        rounding = 1e-6 if self._precision() is np.float32 else 1e-13
        size = 10.0 if self.metric.scale_free else float(np.abs(self.encoding.values(query)).sum())
        return rounding * (100 * abs(distance) + size)

    def _scan(self) -> Callable[[Row, Row, Row], None]:
        self._scanned += self.matrix.size
        encoding = self.encoding
        single = self._precision() is np.float32
        if self._scanned > _WORTH_NUMBA and single and isinstance(encoding, Encoding):
            from cbir.search.compiling import is_cached
            from cbir.search.exact import kernels

            kernel = kernels.KERNELS.get(self.metric.name)
            if kernel and (self._scanned > _WORTH_COMPILING or is_cached(kernel)):
                scale, square = np.float32(encoding.scale), encoding.power == 2
                return lambda query, rows, out: kernel(query, rows, scale, square, out)
        return self._scan_with_numpy

    def _scan_with_numpy(self, query: Row, rows: Row, out: Row) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is computed exactly
            for block in self._blocks(len(rows)):
                values = self.encoding.values(rows[block], self._precision())
                out[block] = self.metric.between(query, values)

    def _precision(self) -> type[np.floating[Any]]:
        """Return single precision if it holds every stored number."""
        return np.float32 if np.can_cast(self.matrix.dtype, np.float32, "safe") else np.float64

    def _parts(self) -> Iterator[slice]:
        """Yield what each thread scans; all of it in one part if threads do not pay."""
        parts = cores() if self.matrix.size > _WORTH_THREADS else 1
        step = max(1, -(-len(self.matrix) // parts))
        return (slice(start, start + step) for start in range(0, max(1, len(self.matrix)), step))

    def _blocks(self, rows: int) -> Iterator[slice]:
        step = max(1, _BLOCK // max(1, self.matrix.shape[1]))
        return (slice(start, start + step) for start in range(0, rows, step))
