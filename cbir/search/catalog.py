"""The images of an index as a list: page by page, filtered, and counted by what is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cbir.core.checks import check_whole
from cbir.search.candidates import RowNumbers
from cbir.search.filters.asked_metadata import value_counts
from cbir.search.filters.columns import ImageColumns
from cbir.search.filters.metadata_filter import MetadataFilter
from cbir.stores.metadata import Value
from cbir.stores.model import Rows


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """What an index says of one image.

    Attributes
    ----------
    path : str
        Relative to the dataset.
    sha256 : bytes
        Of the file.
    bytes, mtime, width, height : int
        Size of the file, milliseconds since 1970, and pixels of the upright image.
    metadata : mapping of str to (int, float, str or None)
        By column that was asked for.
    texts : mapping of str to str
        The same, as it stands in the index.
    """

    path: str
    sha256: bytes
    bytes: int
    mtime: int
    width: int
    height: int
    metadata: Mapping[str, Value]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """Some images of a list.

    Attributes
    ----------
    total : int
        Images of the whole list.
    entries : tuple of CatalogEntry
        In the order of their paths.
    """

    total: int
    entries: tuple[CatalogEntry, ...]


class Catalog:
    """The images of an index, to be listed and counted.

    Parameters
    ----------
    rows : Rows
    columns : ImageColumns
    metadata_filter : MetadataFilter
    """

    def __init__(self, rows: Rows, columns: ImageColumns, metadata_filter: MetadataFilter) -> None:
        self._rows = rows
        self._columns = columns
        self._filter = metadata_filter

    def page(
        self,
        offset: int = 0,
        limit: int = 50,
        where: str | None = None,
        columns: Sequence[str] = (),
    ) -> CatalogPage:
        """Return some of the images for which a condition holds.

        Parameters
        ----------
        offset : int
            How many to pass over.
        limit : int
            How many to return at most.
        where : str, optional
            An SQL expression over the columns of the index.
        columns : sequence of str
            Columns whose values the entries are to have.

        Raises
        ------
        UsageError
            When there is no such column, or the condition makes no sense.
        """
        check_whole("offset", offset, 0)
        check_whole("limit", limit)
        if where is None:
            total = len(self._rows)
            rows = np.arange(min(offset, total), min(offset + limit, total))
        else:
            found = np.flatnonzero(self._filter.matching(where))
            total, rows = len(found), found[offset : offset + limit]
        return CatalogPage(total, self.entries(rows, columns))

    def entries(self, rows: RowNumbers, columns: Sequence[str] = ()) -> tuple[CatalogEntry, ...]:
        """Return what the index says of some images, by their numbers in the order of the paths."""
        told = {name: self._columns.named(name, "columns") for name in columns}
        values = {name: column.values(rows) for name, column in told.items()}
        texts = {name: column.texts(rows) for name, column in told.items()}
        facts = self._rows.facts[rows]
        names = ("bytes", "mtime", "width", "height")
        numbers = zip(*(facts[name].tolist() for name in names), strict=True)
        places = zip(rows.tolist(), facts["sha256"], numbers, strict=True)
        return tuple(
            CatalogEntry(
                path=self._rows.paths[row],
                sha256=digest.tobytes(),
                bytes=size,
                mtime=mtime,
                width=width,
                height=height,
                metadata={name: values[name][place] for name in told},
                texts={name: texts[name][place] for name in told},
            )
            for place, (row, digest, (size, mtime, width, height)) in enumerate(places)
        )

    def find(self, path: str, columns: Sequence[str] = ()) -> CatalogEntry | None:
        """Return what the index says of the image at a path, or None if it has no such one."""
        row = self._rows.paths.find(path)
        return None if row is None else self.entries(np.array([row], np.intp), columns)[0]

    def neighbors(self, path: str) -> tuple[str | None, str | None]:
        """Return the paths before and after that of an image, in the order of the list.

        None stands for one that is not there, or for both if the index has no such image.
        """
        row = self._rows.paths.find(path)
        if row is None:
            return None, None
        paths, last = self._rows.paths, len(self._rows) - 1
        return paths[row - 1] if row else None, paths[row + 1] if row < last else None

    def find_all(self, paths: Iterable[str]) -> tuple[CatalogEntry, ...]:
        """Return what the index says of the images at some paths that it has, in their order."""
        rows = [self._rows.paths.find(path) for path in paths]
        return self.entries(np.array(rows, np.intp))

    def facets(
        self, columns: Sequence[str], where: str | None = None
    ) -> dict[str, Mapping[Value, int]]:
        """Count the values of columns among the images for which a condition holds.

        Returns
        -------
        dict of str to (mapping of (int, float, str or None) to int)
            By column, the most frequent value first. None: those that have none.

        Raises
        ------
        UsageError
            When there is no such column, or the condition makes no sense.
        """
        counted = {name: self._columns.named(name, "facets") for name in columns}
        rows = (
            np.arange(len(self._rows))
            if where is None
            else np.flatnonzero(self._filter.matching(where))
        )
        return {name: value_counts(column, rows) for name, column in counted.items()}
