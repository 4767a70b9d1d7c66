"""Rows and matrices written as Parquet, a group of rows at a time."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.mapped_arrays import steps
from cbir.core.spliced_rows import Matrix
from cbir.core.text import readable_path
from cbir.descriptors.base import Row
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import FILE_DTYPE, Rows
from cbir.stores.parquet.columns import Cells, Column, columns_of
from cbir.stores.parquet.row_groups import ParquetParts, write_joined
from cbir.stores.single_file.file_format import FACT_COLUMNS, FACTS
from cbir.stores.single_file.hashed_file import HashedFile
from cbir.stores.single_file.kept_rows import KeptRows

if TYPE_CHECKING:
    from pyarrow import Array, Field, RecordBatch

_GROUP_BYTES = 1 << 23
"""Of the matrices, that become a group of rows: writing takes some ten times as much memory."""

_GROUP_ROWS = 1 << 16
"""Rows of a group, at most."""

_COMPRESSION = "zstd"
_VECTOR_ENCODING = "BYTE_STREAM_SPLIT"
"""All first bytes of numbers, then all second ones, and so on. Parquet keeps a byte as four: so the
three that are 0 take no room, and packing is twice as fast as by a dictionary."""


def write_parquet(
    file: HashedFile,
    rows: Rows,
    entries: Sequence[DescriptorEntry],
    matrices: Mapping[str, Matrix],
    kept: KeptRows | None = None,
) -> NDArray[np.int64]:
    """Write an index.

    Parameters
    ----------
    file : HashedFile
        It is empty.
    rows : Rows
    entries : sequence of DescriptorEntry
        The descriptors, in the order of their columns.
    matrices : mapping of str to ndarray or SplicedRows
        Their rows, by alias.
    kept : KeptRows, optional
        What of the file so far is the same. Groups of rows of which all are the same are copied
        without being unpacked; the other rows come behind them.

    Returns
    -------
    ndarray of int64, shape (n,)
        The group in which each row is.
    """
    table = _Table(rows, entries, matrices)
    if kept is not None:
        # What another program wrote may not be as expected: then all rows are written.
        with open(kept.path, "rb") as before, contextlib.suppress(ValueError):
            source = ParquetParts.of(before)
            groups = _groups_of(kept, source, table.step)
            if groups.max(initial=-1) >= 0:
                places = _write_beside(file, table, source, groups)
                if places is not None:
                    return places
    return table.write(file, np.arange(len(rows)))


def _groups_of(kept: KeptRows, source: ParquetParts, step: int) -> NDArray[np.int64]:
    """Return for each row the group of the file so far that is kept with it, or -1.

    One that is less than half full is not kept: so there never are many small ones.
    """
    places, counts = kept.written.places, np.array(source.rows, np.int64)
    is_sound = (
        len(places) == len(kept.written.digests)
        and places.min(initial=0) >= 0
        and places.max(initial=-1) < len(counts)
    )
    if not is_sound or not np.array_equal(np.bincount(places, minlength=len(counts)), counts):
        return np.full(len(kept.sources), -1, np.int64)
    groups = np.where(kept.sources >= 0, places[kept.sources], -1)
    same = np.bincount(groups[groups >= 0], minlength=len(counts))
    stays = (same == counts) & (2 * counts >= step)
    return np.where((groups >= 0) & stays[groups], groups, -1)


def _write_beside(
    file: HashedFile, table: _Table, source: ParquetParts, groups: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Write kept groups, and behind them those of the other rows; nothing if columns differ."""
    numbers = np.unique(groups[groups >= 0])
    fresh = np.flatnonzero(groups < 0)
    with tempfile.TemporaryFile(dir=Path(source.file.name).parent) as scratch:
        new = table.write(HashedFile(scratch), fresh)
        others = ParquetParts.of(scratch)
        if not others.has_columns_of(source):  # the first name came that is not UTF-8
            return None
        write_joined(file, [(source, numbers.tolist()), (others, range(len(others.groups)))])
    places = np.searchsorted(numbers, groups)
    places[fresh] = new + len(numbers)
    return places


class _Table:
    """An index whose rows are packed into groups."""

    def __init__(
        self, rows: Rows, entries: Sequence[DescriptorEntry], matrices: Mapping[str, Matrix]
    ) -> None:
        import pyarrow

        self._rows = rows
        self._matrices = matrices
        self._coded = not rows.paths.is_utf8
        self._vectors = [(column, entry) for entry in entries for column in columns_of(entry)]
        fields = [
            *_fact_fields(self._coded),
            *(_value_field(column, entry) for column, entry in self._vectors),
            *(pyarrow.field(name, pyarrow.string(), nullable=False) for name in rows.metadata),
        ]
        self._schema = pyarrow.schema(fields)
        width = sum(one.itemsize * one.shape[1] for one in matrices.values())
        self.step = max(1, min(_GROUP_ROWS, _GROUP_BYTES // max(1, width)))

    def write(self, file: HashedFile, places: NDArray[np.intp]) -> NDArray[np.int64]:
        """Write a file of some rows; return the group in which each is."""
        from pyarrow.parquet import ParquetWriter

        columns = self._vectors
        lists = [f"{one.name}.list.element" for one, _ in columns if one.cells is Cells.LIST]
        numbers = [column.name for column, _ in columns if column.cells is Cells.NUMBER]
        with ParquetWriter(
            file,
            self._schema,
            compression=_COMPRESSION,
            use_dictionary=[*numbers, *self._rows.metadata],
            column_encoding=dict.fromkeys(lists, _VECTOR_ENCODING),
            write_page_checksum=True,
        ) as writer:
            for part in steps(len(places), self.step, self._matrices.values()):
                batch = self._batch(places[part])
                writer.write_batch(batch, row_group_size=max(1, len(batch)))
        return np.arange(len(places)) // self.step

    def _batch(self, places: NDArray[np.intp]) -> RecordBatch:
        import pyarrow

        some = _as_slice(places)
        rows = self._rows
        facts = rows.facts[some]
        paths = rows.paths[some] if isinstance(some, slice) else [rows.paths[i] for i in places]
        arrays = [
            *_path_arrays(paths, self._coded),
            *(_fact_array(facts[name]) for name in FACT_COLUMNS),
            *(
                _value_array(column, self._matrices[entry.alias][some])
                for column, entry in self._vectors
            ),
            *(pyarrow.array(one.texts(some), pyarrow.string()) for one in rows.metadata.values()),
        ]
        return pyarrow.record_batch(arrays, schema=self._schema)


def _as_slice(places: NDArray[np.intp]) -> slice | NDArray[np.intp]:
    """Return places one after the other as a slice, which is taken without a copy."""
    start, stop = int(places[0]), int(places[-1]) + 1
    return slice(start, stop) if stop - start == len(places) else places


def _fact_fields(coded: bool) -> Iterator[Field]:
    import pyarrow

    types: dict[str, Any] = {
        name: pyarrow.from_numpy_dtype(FILE_DTYPE[name]) for name in FACT_COLUMNS[:-1]
    }
    types |= {"path": pyarrow.string(), "path_base64": pyarrow.string()}
    types["sha256"] = pyarrow.binary(FILE_DTYPE["sha256"].itemsize)
    for name, _, meaning in FACTS:
        optional = name == "path_base64"
        if coded or not optional:
            field = pyarrow.field(name, types[name], nullable=optional)
            yield field.with_metadata({"description": meaning})


def _value_field(column: Column, entry: DescriptorEntry) -> Field:
    import pyarrow

    number = pyarrow.from_numpy_dtype(np.dtype(entry.dtype))
    kind = {
        Cells.NUMBER: number,
        Cells.BITS: pyarrow.binary(column.width),
        Cells.LIST: pyarrow.list_(pyarrow.field("element", number, nullable=False), column.width),
    }[column.cells]
    field = pyarrow.field(column.name, kind, nullable=False)
    return field.with_metadata({"description": f"{entry.name}, version {entry.version}"})


def _path_arrays(paths: Sequence[str], coded: bool) -> Iterator[Array]:
    import pyarrow

    cells = [readable_path(path) for path in paths]
    yield pyarrow.array([readable for readable, _ in cells], pyarrow.string())
    if coded:
        yield pyarrow.array([raw or None for _, raw in cells], pyarrow.string())


def _fact_array(values: NDArray[Any]) -> Array:
    import pyarrow

    if values.dtype.kind == "V":
        return _binary_array(np.ascontiguousarray(values), values.dtype.itemsize)
    return pyarrow.array(np.ascontiguousarray(values))


def _value_array(column: Column, rows: Row) -> Array:
    import pyarrow

    part = np.ascontiguousarray(rows[:, column.start : column.stop])
    if column.cells is Cells.BITS:
        return _binary_array(part, column.width)
    numbers = pyarrow.array(part.reshape(-1))
    if column.cells is Cells.NUMBER:
        return numbers
    element = pyarrow.field("element", numbers.type, nullable=False)
    kind = pyarrow.list_(element, column.width)
    return pyarrow.FixedSizeListArray.from_arrays(numbers, type=kind)


def _binary_array(values: NDArray[Any], width: int) -> Array:
    import pyarrow

    raw = pyarrow.py_buffer(values.tobytes())
    kind = pyarrow.binary(width)
    return pyarrow.FixedSizeBinaryArray.from_buffers(kind, raw.size // width, [None, raw])
