"""Rows that are in two arrays, read as if they were in one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Sources = NDArray[np.int64]
"""Where each of some rows is in an array of rows that were there before, or -1."""


class SplicedRows:
    """Rows of an array that is there with new ones between them; none is copied until it is read.

    Parameters
    ----------
    kept : ndarray, shape (m, …)
        What is there.
    fresh : ndarray, shape (k, …)
        New rows, in their order.
    sources : ndarray of int64, shape (n,)
        Which of the kept rows each row is; -1: the next of the new ones.

    Examples
    --------
    >>> rows = SplicedRows(np.array([[0], [1], [2]]), np.array([[7]]), np.array([0, -1, 2]))
    >>> rows[:].tolist(), rows[1].tolist(), rows.shape
    ([[0], [7], [2]], [7], (3, 1))
    """

    def __init__(self, kept: NDArray[Any], fresh: NDArray[Any], sources: Sources) -> None:
        self.kept = kept
        self.fresh = fresh
        self.dtype = kept.dtype
        self.shape = (len(sources), *kept.shape[1:])
        self._sources = sources
        self._new = np.flatnonzero(sources < 0)
        self._starts = run_starts(sources)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def itemsize(self) -> int:
        """Bytes of a number."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return len(self) * int(np.prod(self.shape[1:])) * self.itemsize

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice | NDArray[np.intp]) -> NDArray[Any]: ...
    def __getitem__(self, index: int | np.integer[Any] | slice | NDArray[np.intp]) -> NDArray[Any]:
        if isinstance(index, np.ndarray):
            sources = self._sources[index]
            is_new = sources < 0
            rows = np.empty((len(index), *self.shape[1:]), self.dtype)
            rows[~is_new] = self.kept[sources[~is_new]]
            rows[is_new] = self.fresh[np.searchsorted(self._new, index[is_new])]
            return rows
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            pieces = list(self._pieces(start, stop))
            rows = np.concatenate(pieces) if len(pieces) != 1 else pieces[0]
            return rows[::step]
        return self[int(index) : int(index) + 1][0]

    def _pieces(self, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """Yield views of the arrays; at least one."""
        if start >= stop:
            yield self.kept[:0]
        run = int(np.searchsorted(self._starts, start, "right")) - 1
        while start < stop:
            end = int(self._starts[run + 1]) if run + 1 < len(self._starts) else len(self)
            count = min(end, stop) - start
            source = int(self._sources[start])
            rows = self.kept if source >= 0 else self.fresh
            first = source if source >= 0 else int(np.searchsorted(self._new, start))
            yield rows[first : first + count]
            start, run = start + count, run + 1


Matrix = NDArray[Any] | SplicedRows
"""A matrix that is read row by row or slice by slice."""


def run_starts(sources: Sources) -> NDArray[np.intp]:
    """Return where runs of rows begin that stand one after the other, or are all new.

    Examples
    --------
    >>> run_starts(np.array([4, 5, -1, -1, 0, 1, 3]))
    array([0, 2, 4, 6])
    """
    is_new = sources < 0
    is_next = (np.diff(sources) == 1) & ~is_new[:-1]
    goes_on = is_next | (is_new[1:] & is_new[:-1])
    return np.append(0, np.flatnonzero(~goes_on) + 1)[: len(sources)]


def runs(sources: Sources) -> Iterator[tuple[slice, int]]:
    """Yield the runs of rows, and where each stood before, or -1.

    Examples
    --------
    >>> list(runs(np.array([4, 5, -1])))
    [(slice(0, 2, None), 4), (slice(2, 3, None), -1)]
    """
    starts = run_starts(sources)
    for start, stop in itertools.pairwise([*starts.tolist(), len(sources)]):
        yield slice(start, stop), int(sources[start])
