"""What is read of an index in Parquet, some rows at a time, until it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import BrokenIndexError, excerpt, printable
from cbir.descriptors.base import HIGHEST_QUALITY, Row
from cbir.descriptors.row_kinds import HASH
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import FILE_DTYPE, Rows
from cbir.stores.parquet.arrays import CellError, bytes_of, lists_of, numbers_of, texts_of
from cbir.stores.parquet.columns import Cells, Column, columns_of
from cbir.stores.paths import PathList
from cbir.stores.single_file.file_format import FACT_COLUMNS, rebuilding
from cbir.stores.single_file.path_columns import path_of, sorted_places

if TYPE_CHECKING:
    from pyarrow import Array, RecordBatch

_FEW = 5
"""Rows that a message names."""


class ColumnError(Exception):
    """What is wrong in which row of a column."""


class _Texts:
    """The texts of a column, each kept once."""

    def __init__(self, count: int) -> None:
        self.codes = np.empty(count, np.int32)
        self._numbers: dict[str, int] = {}

    def add(self, place: slice, texts: Sequence[str], codes: NDArray[np.int32]) -> None:
        """Take the texts of some rows."""
        used = np.unique(codes).tolist()
        translated = np.zeros(len(texts), np.int32)
        for code in used:
            translated[code] = self._numbers.setdefault(texts[code], len(self._numbers))
        self.codes[place] = translated[codes]

    def column(self, order: NDArray[np.intp]) -> MetadataColumn:
        """Return the column with its rows in another order."""
        return MetadataColumn.of_distinct(self.codes[order], list(self._numbers))


class Contents:
    """What was read so far."""

    def __init__(self, count: int, entries: Sequence[DescriptorEntry], own: Sequence[str]) -> None:
        self._count = count
        self._entries = entries
        self._paths: list[str] = []
        self._facts = np.zeros(count, FILE_DTYPE)
        # The system gives memory to what is written to, whatever the file says.
        self._matrices = {
            entry.alias: np.empty((count, entry.width), np.dtype(entry.dtype)) for entry in entries
        }
        self._metadata = {name: _Texts(count) for name in own}

    def add(self, batch: RecordBatch) -> None:
        """Take the next rows."""
        start = len(self._paths)
        rows = slice(start, start + batch.num_rows)

        def checked(name: str, read: Callable[[Any], Any]) -> Any:
            try:
                return read(batch.column(batch.schema.get_field_index(name)))
            except CellError as error:
                place = f"row {start + error.place + 1:,}, column {printable(name)}"
                raise ColumnError(f"{place}: {error}") from None

        if rows.stop > self._count:
            raise ColumnError(f"it has more than the {self._count:,} rows that it says")
        for name in FACT_COLUMNS[:-1]:
            self._facts[name][rows] = checked(name, partial(numbers_of, dtype=FILE_DTYPE[name]))
        digests = checked("sha256", partial(bytes_of, width=FILE_DTYPE["sha256"].itemsize))
        self._facts["sha256"][rows] = digests.view("V32")[:, 0]
        for entry in self._entries:
            for column in columns_of(entry):
                values = checked(column.name, partial(_values, column=column, entry=entry))
                self._matrices[entry.alias][rows, column.start : column.stop] = values
        for name, texts in self._metadata.items():
            texts.add(rows, *checked(name, texts_of))
        raw = checked("path_base64", texts_of) if "path_base64" in batch.schema.names else None
        self._paths += _paths(start, checked("path", _present_texts), raw)

    def sorted(self, path: str) -> tuple[Rows, dict[str, Row]]:
        """Return all in the order of the paths."""
        if len(self._paths) < self._count:
            raise BrokenIndexError(
                f"{printable(path)}: it has {len(self._paths):,} rows, and says {self._count:,}; ",
                rebuilding(path),
            )
        places, double = sorted_places(self._paths)
        if double is not None:
            raise BrokenIndexError(
                f"{printable(path)}: two rows have the path {printable(double)!r}"
                f" ({_rows_of(self._paths, double)}); delete one of them"
            )
        order = np.array(places, np.intp)
        metadata = {name: texts.column(order) for name, texts in self._metadata.items()}
        facts, matrices = self._facts, self._matrices
        if (order != np.arange(len(order))).any():
            facts = facts[order]
            matrices = {alias: matrix[order] for alias, matrix in matrices.items()}
        return Rows(PathList.of(self._paths[i] for i in places), facts, metadata), matrices


def _values(array: Array, column: Column, entry: DescriptorEntry) -> NDArray[Any]:
    """Return what a column has of the rows of a descriptor."""
    dtype = np.dtype(entry.dtype)
    if column.cells is Cells.BITS:
        return bytes_of(array, column.width).view(dtype)
    if column.cells is Cells.LIST:
        return lists_of(array, column.width, dtype)
    numbers = numbers_of(array, dtype)
    if entry.kind == HASH.name and (numbers > HIGHEST_QUALITY).any():
        raise CellError("a quality is out of range", int(np.argmax(numbers > HIGHEST_QUALITY)))
    return numbers[:, None]


def _present_texts(array: Array) -> tuple[list[str], NDArray[np.int32]]:
    if array.null_count:
        raise CellError("a value is missing", int(np.argmax(np.asarray(array.is_null()))))
    return texts_of(array)


def _paths(
    start: int,
    readable: tuple[list[str], NDArray[np.int32]],
    raw: tuple[list[str], NDArray[np.int32]] | None,
) -> Iterator[str]:
    texts, codes = readable
    coded, places = raw or ([""], np.zeros(len(codes), np.int32))
    for row, (code, place) in enumerate(zip(codes.tolist(), places.tolist(), strict=True), start):
        try:
            yield path_of(texts[code], coded[place])
        except ValueError as error:
            raise ColumnError(
                f"row {row + 1:,}: the path {excerpt(texts[code])!r} cannot be: {error}"
            ) from None


def _rows_of(paths: Sequence[str], wanted: str) -> str:
    rows = [f"{row:,}" for row, path in enumerate(paths, 1) if path == wanted]
    return f"rows {', '.join(rows[:_FEW])}"
