"""Searches an index by one descriptor, in a matrix of all rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import check_type
from cbir.core.checks import check_whole
from cbir.core.progress import ProgressListener
from cbir.descriptors.base import Row
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.open_image import OpenImage
from cbir.search import metrics
from cbir.search.candidates import CandidateSource, RowMask, top_k_of_each
from cbir.search.request import checked_limit
from cbir.search.row_distances import RowDistances
from cbir.search.searchers import RankedRow, SingleSearcher, not_described
from cbir.search.sources import open_source
from cbir.stores.model import Snapshot


class RowSearcher(SingleSearcher[Row]):
    """Searches by one descriptor and one metric, in a matrix of all rows.

    Parameters
    ----------
    named : NamedDescriptor
        The descriptor.
    metric : Metric
    matrix : ndarray, shape (n, width)
        The stored rows.
    source : CandidateSource
        The same, ready to be compared.
    """

    def __init__(
        self,
        named: NamedDescriptor,
        metric: metrics.Metric,
        matrix: Row,
        source: CandidateSource[Row],
    ) -> None:
        super().__init__(named, metric, source, RowDistances(source, matrix))
        self._matrix = matrix

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        named: NamedDescriptor,
        metric: metrics.Metric,
        listener: ProgressListener | None = None,  # noqa: ARG003 - others need it
    ) -> RowSearcher:
        """Return what compares all rows of an index."""
        matrix = snapshot.matrix(named.alias)
        return cls(named, metric, matrix, open_source(named.descriptor, matrix, metric))

    @property
    def bytes_per_image(self) -> int:
        """Bytes of a row."""
        return self._matrix.shape[1] * self._matrix.itemsize

    def describe_image(self, image: OpenImage) -> Row:
        """Describe an image by the descriptor."""
        check_type(image, OpenImage, "an image that is open")
        return self.named.describe(image)

    def indexed(self, row: int) -> Row:
        """Return a row of the matrix."""
        return self._matrix[check_whole("row", row, 0, len(self._matrix) - 1)]

    def source_for(self, description: Row, eligible: RowMask | None = None) -> CandidateSource[Row]:
        """Return the rows; they are the same for every query."""
        wanted = self._matrix.shape[1:], self._matrix.dtype
        is_array = isinstance(description, np.ndarray)
        if not is_array or (description.shape, description.dtype) != wanted:
            raise not_described(self.label)
        return self.source

    def top_k_of_each(
        self,
        descriptions: Sequence[Row],
        top: int = 3,
        max_distance: float | None = None,
        eligible: Sequence[RowMask | None] = (),
        groups: NDArray[np.integer[Any]] | None = None,
    ) -> Iterator[list[RankedRow]]:
        """Yield what :meth:`top_k` returns for each of several described queries, in one pass."""
        if groups is not None:
            yield from super().top_k_of_each(descriptions, top, max_distance, eligible, groups)
            return
        limit = checked_limit(top, max_distance)
        for description in descriptions:
            self.source_for(description)
        ranked = top_k_of_each(self.source, descriptions, top, limit, eligible)
        for description, one in zip(descriptions, ranked, strict=True):
            yield self._told(self.source, description, one)
