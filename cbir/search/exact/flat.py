"""Search spaces: the rows of one descriptor, ready to be compared with a query.

Every search has two steps. `estimate` gives a distance to every row, fast, with a known
tolerance; :func:`nearest` keeps the rows that may be among the nearest and recomputes those with
`exact`, in double precision. So the results do not depend on which fast path was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.threads import scan_pool
from cbir.descriptors.base import Descriptor, Encoding, Row
from cbir.search.metrics import Metric, hamming

Distances = NDArray[np.float64]
Derive = Callable[[str, Callable[[], dict[str, NDArray[Any]]]], dict[str, NDArray[Any]]]
"""Keeps what is computed from a matrix beside it: ``derive(name, build)``."""

_BLOCK = 1 << 17
"""Numbers that a block holds: half a megabyte in single precision. Smaller blocks cost more calls,
larger ones cost the system more time for fresh memory."""

_WORTH_THREADS = 1 << 22
"""Numbers to scan above which threads pay for themselves."""

_WORTH_NUMBA = 300_000_000
"""Numbers to scan after which numpy has taken as long as numba takes to import."""

_WORTH_COMPILING = 20 * _WORTH_NUMBA
"""The same for a kernel that was never compiled on this machine."""


Q = TypeVar("Q")
_Q = TypeVar("_Q", contravariant=True)


class Space(Protocol[_Q]):
    """The rows of one descriptor under one metric, or of several fused; queries are of type Q."""

    def estimate(self, query: _Q) -> NDArray[Any]:
        """Return the distance of every row, off by no more than `tolerance` says."""

    def exact(self, query: _Q, rows: NDArray[np.intp]) -> Distances:
        """Return the exact distances of some rows."""

    def tolerance(self, query: _Q, distance: float) -> float:
        """Return by how much an estimate near `distance` may be off."""


def open_space(descriptor: Descriptor, matrix: Row, metric: Metric, derive: Derive) -> Space[Row]:
    """Return the space of a descriptor's rows.

    Parameters
    ----------
    descriptor : Descriptor
        What the rows are.
    matrix : ndarray, shape (n, width)
        The stored rows.
    metric : Metric
        One that the descriptor allows.
    derive : callable
        Where to keep what is computed from the whole matrix.
    """
    if descriptor.kind == "hash":
        # Copied where a quality stands behind the bits: a scan wants them without gaps.
        return BitSpace(np.ascontiguousarray(matrix[:, : descriptor.dimension // 8]))
    if descriptor.kind == "local":
        from cbir.search.exact.bovw import BagSpace

        return BagSpace(matrix, metric, derive)
    return DenseSpace(matrix, descriptor.encoding, metric)


def nearest(
    space: Space[Q],
    query: Q,
    top: int,
    max_distance: float | None = None,
    excluded: NDArray[np.intp] | None = None,
) -> list[tuple[int, float]]:
    """Rank the rows of a space.

    Parameters
    ----------
    space : Space
    query : ndarray
        A row, as the descriptor gives it; for a fusion a tuple of them.
    top : int
        How many to return at most.
    max_distance : float, optional
        Leave out what is farther.
    excluded : ndarray of int, optional
        Rows that are left out.

    Returns
    -------
    list of (int, float)
        Row numbers with their exact distances, the nearest first; equal distances in row order,
        which is the order of the paths.
    """
    estimates = space.estimate(query)
    eligible = np.ones(len(estimates), bool)
    if excluded is not None:
        eligible[excluded] = False
    top = min(top, int(eligible.sum()))
    if top < 1:
        return []
    candidates = np.flatnonzero(eligible)
    if np.isfinite(estimates).all():
        limit = float(np.partition(estimates[candidates], top - 1)[top - 1])
        # Both the limit and an estimate below it may be off.
        limit += 2 * space.tolerance(query, limit)
        candidates = candidates[estimates[candidates] <= limit]
    distances = space.exact(query, candidates)
    order = np.lexsort((candidates, distances))[:top]
    ranked = [(int(candidates[i]), float(distances[i])) for i in order]
    if max_distance is not None:
        ranked = [(row, distance) for row, distance in ranked if distance <= max_distance]
    return ranked


class Values(Protocol):
    """Turns stored rows into the values that are compared."""

    def values(self, stored: Row, dtype: type[np.floating[Any]] = ...) -> NDArray[Any]:
        """Return the values of `stored` rows, as `dtype`."""


@dataclass
class DenseSpace:
    """Vectors, compared by any metric on numbers."""

    matrix: Row
    encoding: Values
    metric: Metric
    _scanned: int = 0

    def estimate(self, query: Row) -> NDArray[np.floating[Any]]:
        precision = self._precision()
        values = self.encoding.values(query, precision)
        estimates = np.empty(len(self.matrix), precision)
        scan = self._scan()

        def scan_block(block: slice) -> None:
            scan(values, self.matrix[block], estimates[block])

        if self.matrix.size > _WORTH_THREADS:
            list(scan_pool().map(scan_block, self._blocks()))
        else:
            for block in self._blocks():
                scan_block(block)
        return estimates

    def exact(self, query: Row, rows: NDArray[np.intp]) -> Distances:
        values = self.encoding.values(query)
        distances = np.empty(len(rows), np.float64)
        step = self._rows_per_block()
        for start in range(0, len(rows), step):
            block = self.encoding.values(self.matrix[rows[start : start + step]])
            distances[start : start + step] = self.metric.between(values, block)
        return distances

    def tolerance(self, query: Row, distance: float) -> float:
        # Summing is off by a share of the distance; rounding the values, by a share of their size,
        # which matters for rows that are nearly equal. A cosine has no size.
        rounding = 1e-6 if self._precision() is np.float32 else 1e-13
        cosine = self.metric.name == "cosine"
        size = 10.0 if cosine else float(np.abs(self.encoding.values(query)).sum())
        return rounding * (100 * abs(distance) + size)

    def _scan(self) -> Callable[[Row, Row, Row], None]:
        self._scanned += self.matrix.size
        encoding = self.encoding
        single = self._precision() is np.float32
        if self._scanned > _WORTH_NUMBA and single and isinstance(encoding, Encoding):
            from cbir.search.exact import kernels

            name = self.metric.name
            if self._scanned > _WORTH_COMPILING or kernels.is_cached(name):
                kernel = kernels.KERNELS[name]
                scale, square = np.float32(encoding.scale), encoding.power == 2
                return lambda query, rows, out: kernel(query, rows, scale, square, out)
        return self._scan_with_numpy

    def _scan_with_numpy(self, query: Row, rows: Row, out: Row) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is computed exactly
            out[:] = self.metric.between(query, self.encoding.values(rows, self._precision()))

    def _precision(self) -> type[np.floating[Any]]:
        """Return single precision if it holds every stored number."""
        return np.float32 if np.can_cast(self.matrix.dtype, np.float32, "safe") else np.float64

    def _rows_per_block(self) -> int:
        return max(1, _BLOCK // max(1, self.matrix.shape[1]))

    def _blocks(self) -> Iterator[slice]:
        step = self._rows_per_block()
        return (slice(start, start + step) for start in range(0, len(self.matrix), step))


@dataclass
class BitSpace:
    """Packed bits, compared by the Hamming distance.

    A query may have more bytes than the matrix; they are not compared.
    """

    matrix: Row

    def estimate(self, query: Row) -> NDArray[np.int64]:
        return hamming(query[: self.matrix.shape[1]], self.matrix)

    def exact(self, query: Row, rows: NDArray[np.intp]) -> Distances:
        return hamming(query[: self.matrix.shape[1]], self.matrix[rows]).astype(np.float64)

    def tolerance(self, query: Row, distance: float) -> float:
        return 0.0
