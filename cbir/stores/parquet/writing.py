"""Rows and matrices written as Parquet, a group of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from cbir.stores.single_file.file_format import FACT_COLUMNS, FACTS
from cbir.stores.single_file.hashed_file import HashedFile

if TYPE_CHECKING:
    from pyarrow import Array, Field

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
) -> None:
    """Write an index.

    Parameters
    ----------
    file : HashedFile
    rows : Rows
    entries : sequence of DescriptorEntry
        The descriptors, in the order of their columns.
    matrices : mapping of str to ndarray
        Their rows, by alias.
    """
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    coded = not rows.paths.is_ascii and any(readable_path(path)[1] for path in rows.paths)
    vectors = [(column, entry) for entry in entries for column in columns_of(entry)]
    fields = [
        *_fact_fields(coded),
        *(_value_field(column, entry) for column, entry in vectors),
        *(pyarrow.field(name, pyarrow.string(), nullable=False) for name in rows.metadata),
    ]
    schema = pyarrow.schema(fields)
    lists = [f"{column.name}.list.element" for column, _ in vectors if column.cells is Cells.LIST]
    numbers = [column.name for column, _ in vectors if column.cells is Cells.NUMBER]
    with ParquetWriter(
        file,
        schema,
        compression=_COMPRESSION,
        use_dictionary=[*numbers, *rows.metadata],
        column_encoding=dict.fromkeys(lists, _VECTOR_ENCODING),
        write_page_checksum=True,
    ) as writer:
        for part in _parts(len(rows), matrices):
            facts, paths = rows.facts[part], rows.paths[part]
            arrays = [
                *_path_arrays(paths, coded),
                *(_fact_array(facts[name]) for name in FACT_COLUMNS),
                *(_value_array(column, matrices[entry.alias][part]) for column, entry in vectors),
                *(
                    pyarrow.array(one.texts(part), pyarrow.string())
                    for one in rows.metadata.values()
                ),
            ]
            batch = pyarrow.record_batch(arrays, schema=schema)
            writer.write_batch(batch, row_group_size=max(1, len(facts)))


def _parts(count: int, matrices: Mapping[str, Matrix]) -> Iterator[slice]:
    width = sum(matrix.itemsize * matrix.shape[1] for matrix in matrices.values())
    step = max(1, min(_GROUP_ROWS, _GROUP_BYTES // max(1, width)))
    return steps(count, step, matrices.values())


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
