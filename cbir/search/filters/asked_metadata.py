"""What a search asks of metadata: a condition, groups, columns to tell, and values to count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.search.candidates import RowMask, RowNumbers
from cbir.search.filters.columns import ImageColumns
from cbir.search.filters.metadata_filter import MetadataFilter
from cbir.search.request import SearchRequest
from cbir.stores.metadata import MetadataColumn, Value


class AskedMetadata:
    """What a request asks of metadata, found out once for all its queries.

    Parameters
    ----------
    request : SearchRequest
    columns : ImageColumns
        Of the index.
    metadata_filter : MetadataFilter
        Of the index.

    Attributes
    ----------
    eligible : ndarray of bool, shape (n,), or None
        Which images may be found; None: all.
    groups : ndarray of int, shape (n,), or None
        The group of each image, if only the nearest of each is wanted.

    Raises
    ------
    UsageError
        When there is no such column, or the condition makes no sense.
    """

    def __init__(
        self, request: SearchRequest, columns: ImageColumns, metadata_filter: MetadataFilter
    ) -> None:
        self._told = {name: columns.named(name, "columns") for name in request.columns}
        self._counted = {name: columns.named(name, "facets") for name in request.facets}
        self.groups: NDArray[np.integer[Any]] | None = None
        if request.group_by is not None:
            self.groups = columns.named(request.group_by, "group_by").codes
        self.eligible: RowMask | None = None
        if request.where is not None:
            self.eligible = metadata_filter.matching(request.where)

    @property
    def counts(self) -> bool:
        """Whether values are counted."""
        return bool(self._counted)

    def eligible_without(self, rows: Sequence[int], count: int) -> RowMask | None:
        """Return which of `count` images may be found if these rows may not."""
        if not rows:
            return self.eligible
        eligible = np.ones(count, bool) if self.eligible is None else self.eligible.copy()
        eligible[rows] = False
        return eligible

    def of_match(self, row: int) -> tuple[dict[str, Value], dict[str, str]]:
        """Return what is to be told of an image: values, and texts as they stand in the index."""
        values = {name: column.values([row])[0] for name, column in self._told.items()}
        return values, {name: column.texts([row])[0] for name, column in self._told.items()}

    def facets(self, rows: RowNumbers) -> dict[str, Mapping[Value, int]]:
        """Count the values of some images, the most frequent first; equal counts by their text."""
        return {name: value_counts(column, rows) for name, column in self._counted.items()}


def value_counts(column: MetadataColumn, rows: RowNumbers) -> dict[Value, int]:
    """Count the values of some images, the most frequent first; equal counts by their text."""
    counts = np.bincount(column.codes[rows], minlength=len(column.distinct))
    there = np.flatnonzero(counts).tolist()
    there.sort(key=lambda code: (-counts[code], column.distinct[code]))
    found: dict[Value, int] = {}
    for code in there:  # several texts may be one value, as NA and nothing are
        (value,) = column.distinct_values([code])
        found[value] = found.get(value, 0) + int(counts[code])
    return found
