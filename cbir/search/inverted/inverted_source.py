"""The candidate source of sparse codes: an inverted file, and which row is which of its images."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.threads import cores, scan_pool
from cbir.descriptors.encoders.sparse_code import SparseCode, WordKernel
from cbir.search.candidates import Distances, RowNumbers, ScannedSource
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.key_places import Keys, as_keys
from cbir.search.inverted.scorings import scoring_of
from cbir.search.inverted.segment import Lists, Segment
from cbir.search.inverted.segment_layout import MOST_IMAGES

_WORTH_THREADS = 1 << 18
"""Postings of a query above which threads pay for themselves."""

_WORTH_NUMBA = 5_000_000
"""Postings after which numpy has taken as long as numba takes to import."""

_WORTH_COMPILING = 8 * _WORTH_NUMBA
"""The same for kernels that were never compiled on this machine."""


class InvertedSource(ScannedSource[SparseCode]):
    """Rows whose sparse codes are in an inverted file.

    All rows get their exact distances at once: sums of whole numbers depend neither on threads nor
    on how the codes lie in segments. A row whose code is missing, and one that has no word in
    common with the query, is as far away as a distance can be; two codes without any words are
    equal.

    Parameters
    ----------
    inverted : InvertedFile
        As it is now; what is added later is not seen.
    kernel : WordKernel
        That of the inverted file, or one with another metric, threshold or power of likeness.
    keys : sequence of bytes or ndarray of uint8, shape (n, 32)
        The SHA-256 of the image of each row; rows may share one.

    Attributes
    ----------
    missing : ndarray of intp
        Rows whose codes are not in the inverted file.
    farthest : float
        How far away a row can be.

    Examples
    --------
    >>> from cbir.descriptors.encoders.sparse_code import CountKernel
    >>> kernel = CountKernel(np.ones(100, np.float32), payload_bytes=1)
    >>> code = SparseCode(np.array([3, 7], np.uint16), np.array([[1], [1]], np.uint8))
    >>> inverted = InvertedFile([], kernel, "words")
    >>> inverted.update([bytes(32)], lambda key: code)
    >>> source = InvertedSource(inverted, kernel, [bytes(32), b"1" * 32])
    >>> source.estimate(code)
    array([0., 1.])
    """

    def __init__(
        self, inverted: InvertedFile, kernel: WordKernel, keys: Sequence[bytes] | Keys
    ) -> None:
        self._codes = inverted.codes
        self._scoring = scoring_of(kernel)
        self.farthest: float = self._scoring.farthest
        places = inverted.places
        self._segments = places.segments
        found = places.find(as_keys(keys))
        self._count = len(found)
        self.missing = np.flatnonzero(found < 0)
        owners = np.searchsorted(places.starts, found, "right") - 1
        self._rows = [np.flatnonzero(owners == i) for i in range(len(self._segments))]
        self._images = [
            found[rows] - start for rows, start in zip(self._rows, places.starts, strict=False)
        ]
        self._local = threading.local()
        self._scanned = 0
        self._last: tuple[SparseCode, Distances] | None = None

    def __len__(self) -> int:
        return self._count

    def estimate(self, query: SparseCode) -> Distances:
        """Return the distance of every row; not to be written to."""
        last = self._last  # the exact distances are asked for after the estimates
        if last is None or last[0] is not query:
            last = query, self.compared(query)
            last[1].flags.writeable = False
            self._last = last
        return last[1]

    def exact(self, query: SparseCode, rows: RowNumbers) -> Distances:
        return self.estimate(query)[rows]

    def tolerance(self, query: SparseCode, distance: float) -> float:
        return 0.0

    def compared(self, query: SparseCode) -> Distances:
        """Return the distance of every row, and keep nothing; threads may share the source."""
        self._codes.check(query)
        prepared = self._scoring.prepare(query)
        distances = np.full(self._count, self._scoring.farthest)
        lists = [segment.lists(query.words) for segment in self._segments]
        postings = sum(one.postings for one in lists)
        add = self._adding(postings)

        def compare(part: list[int]) -> None:
            for i in part:
                if len(self._rows[i]):
                    found = self._compared(prepared, add, self._segments[i], lists[i])
                    if not len(query):
                        found[self._segments[i].counts == 0] = 0
                    distances[self._rows[i]] = found[self._images[i]]

        count = cores() if postings > _WORTH_THREADS else 1
        first, *others = [list(range(i, len(lists), count)) for i in range(count)]
        compared = [scan_pool().submit(compare, part) for part in others if part]
        compare(first)
        for one in compared:
            one.result()
        return distances

    def _compared(
        self, prepared: Any, add: Callable[..., None], segment: Segment, lists: Lists
    ) -> NDArray[np.float64]:
        sums = self._sums()
        try:
            add(prepared, segment, lists, sums)
            return self._scoring.distances(prepared, segment, sums[: len(segment)])
        finally:
            sums[:] = 0

    def _sums(self) -> NDArray[np.int64]:
        """Return this thread's room for sums, all 0."""
        if not hasattr(self._local, "sums"):
            self._local.sums = np.zeros(MOST_IMAGES, np.int64)
        sums: NDArray[np.int64] = self._local.sums
        return sums

    def _adding(self, postings: int) -> Callable[..., None]:
        self._scanned += postings
        if self._scanned > _WORTH_NUMBA:
            from cbir.search.compiling import is_cached

            if self._scanned > _WORTH_COMPILING or is_cached(self._scoring.compiled):
                return self._scoring.add_compiled
        return self._scoring.add
