"""The distances among rows of one descriptor, which re-ranking asks for again and again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Row
from cbir.search.candidates import CandidateSource, RowNumbers, ScannedSource

BUDGET = 1 << 25
"""Bytes of distances that are kept of a descriptor, at most."""

_WORTH_KEEPING = 2000
"""Rows of an index up to which the distances of a row to all are computed, and kept. Of a larger
one, only those among the rows that are asked for."""

RowMatrix = NDArray[np.floating[Any]]
"""Distances among some rows."""


class DistancesAmong(Protocol):
    """What compares rows of one descriptor with each other."""

    def among(self, rows: RowNumbers) -> RowMatrix:
        """Return the distances among some rows; symmetric but for rounding."""


class RowDistances:
    """The distances among the rows of one descriptor.

    In a small index, what has been computed of a row is kept, up to a budget, so that queries do
    not compute it again and again. Several threads may use it at once.

    Parameters
    ----------
    source : CandidateSource
    matrix : ndarray, shape (n, width)
        The rows as they are stored.
    budget : int
        Bytes that are kept at most.
    """

    def __init__(self, source: CandidateSource[Row], matrix: Row, budget: int = BUDGET) -> None:
        self._source, self._matrix, self._budget = source, matrix, budget
        self._lock = Lock()
        self._kept: OrderedDict[int, RowMatrix] = OrderedDict()

    def among(self, rows: RowNumbers) -> RowMatrix:
        """Return the distances among some rows, in single precision as a rule.

        Parameters
        ----------
        rows : ndarray of int, shape (m,)

        Returns
        -------
        ndarray of float, shape (m, m)
            Symmetric but for rounding.
        """
        source = self._source
        if isinstance(source, ScannedSource) and len(source) <= _WORTH_KEEPING:
            found = np.empty((len(rows), len(rows)), np.float32)
            for place, row in enumerate(rows.tolist()):
                found[place] = self._to_all(source, row)[rows]
            return found
        return source.among([self._matrix[row] for row in rows.tolist()], rows)

    def _to_all(self, source: ScannedSource[Row], row: int) -> RowMatrix:
        with self._lock:
            found = self._kept.get(row)
            if found is not None:
                self._kept.move_to_end(row)
                return found
        found = source.estimate(self._matrix[row])
        with self._lock:
            self._kept[row] = found
            while len(self._kept) > max(1, self._budget // max(1, found.nbytes)):
                self._kept.popitem(last=False)
        return found
