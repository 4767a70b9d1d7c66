"""Distances between sparse codes, in sums of whole numbers.

What two entries have in common is rounded to a multiple of a small unit, and these units are added
up as integers. Such sums are exact in any order: a distance depends neither on the threads that
share the work nor on the segments that the codes lie in, and equal codes are at distance 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.encoders.sparse_code import SparseCode
from cbir.search.inverted.segment import Lists, Segment

Units = NDArray[np.int64]

_BLOCK = 1 << 18
"""Postings that numpy takes at a time, so that its arrays stay small."""

P = TypeVar("P")


class WordScoring(ABC, Generic[P]):
    """Compares codes; `P` is a query that is ready to be compared.

    Attributes
    ----------
    norms : dtype
        What must be known of an image besides its entries.
    farthest : float
        The distance of codes without a common word.
    """

    norms: ClassVar[np.dtype[Any]]
    farthest: float

    @abstractmethod
    def norm(self, code: SparseCode) -> tuple[float, ...]:
        """Return what must be known of an image, a value for each field of `norms`."""

    @abstractmethod
    def prepare(self, query: SparseCode) -> P:
        """Return a query, ready to be compared."""

    @abstractmethod
    def add(self, query: P, segment: Segment, lists: Lists, sums: Units) -> None:
        """Add what the entries of a query and those of images have in common, with numpy.

        Parameters
        ----------
        query : P
        segment : Segment
        lists : Lists
            Of the segment, by the entries of the query.
        sums : ndarray of int64, shape (65536,)
            By the number of the image.
        """

    @abstractmethod
    def add_compiled(self, query: P, segment: Segment, lists: Lists, sums: Units) -> None:
        """Add the very same, by a compiled loop."""

    @property
    @abstractmethod
    def compiled(self) -> Any:
        """The compiled loop; numba is imported for it."""

    @abstractmethod
    def distances(self, query: P, segment: Segment, sums: Units) -> NDArray[np.float64]:
        """Return the distances of all images of a segment.

        Parameters
        ----------
        query : P
        segment : Segment
        sums : ndarray of int64, shape (images,)
            What the images have in common with the query.
        """


def blocks(lists: Lists) -> Iterator[tuple[NDArray[np.intp], NDArray[np.int64]]]:
    """Yield postings in blocks of whole lists: the query's entry, and the place, of each.

    Examples
    --------
    >>> lists = Lists(np.array([0, 3]), np.array([5, 9]), np.array([7, 10]))
    >>> [(entries.tolist(), places.tolist()) for entries, places in blocks(lists)]
    [([0, 0, 3], [5, 6, 9])]
    """
    lengths = lists.last - lists.first
    ends = np.cumsum(lengths)
    start = 0
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, before + _BLOCK, "right")), start + 1)
        part = slice(start, stop)
        shifts = lists.first[part] - (ends[part] - lengths[part] - before)
        places = np.arange(int(ends[stop - 1]) - before) + np.repeat(shifts, lengths[part])
        yield np.repeat(lists.entries[part], lengths[part]), places
        start = stop
