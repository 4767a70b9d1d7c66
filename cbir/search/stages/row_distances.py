"""The distances among rows of an index, which re-ranking asks for again and again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.search.candidates import RowNumbers
from cbir.search.searchers import Searcher, scanned

BUDGET = 1 << 26
"""Bytes of distances that are kept, at most."""


class RowDistances:
    """The distances from rows of an index to others, as one searcher compares them.

    What has been computed of a row is kept, up to a budget, so that queries whose results are
    alike do not compute it again. It may be used by several threads at once.

    Parameters
    ----------
    searcher : Searcher
        One that only compares.
    budget : int
        Bytes that are kept at most.
    """

    def __init__(self, searcher: Searcher[Any], budget: int = BUDGET) -> None:
        self._searcher = searcher
        self._budget = budget
        self._lock = Lock()
        self._kept: OrderedDict[int, NDArray[np.float32]] = OrderedDict()

    def among(self, rows: RowNumbers) -> NDArray[np.float32]:
        """Return the distances among some rows.

        Parameters
        ----------
        rows : ndarray of int, shape (m,)

        Returns
        -------
        ndarray of float32, shape (m, m)
            In row i those that the image `rows[i]` has as a query. Not symmetric in a fusion, which
            measures the distances of each query by its own background.
        """
        return np.stack([self._from(int(row))[rows] for row in rows])

    def _from(self, row: int) -> NDArray[np.float32]:
        """Return the distances of a row to all."""
        with self._lock:
            found = self._kept.get(row)
            if found is not None:
                self._kept.move_to_end(row)
                return found
        description = self._searcher.indexed(row)
        source = scanned(self._searcher.source_for(description))
        found = np.asarray(source.estimate(description), np.float32)
        with self._lock:
            self._kept[row] = found
            while len(self._kept) > max(1, self._budget // max(1, found.nbytes)):
                self._kept.popitem(last=False)
        return found
