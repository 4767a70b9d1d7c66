"""Tables in Parquet files, by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from cbir.core.arrow_values import arrow_values, is_simple
from cbir.core.errors import CbirError, printable
from cbir.tables.model import (
    BATCH,
    MAX_CELL,
    MAX_CELLS,
    MAX_TEXT,
    Choose,
    Table,
    Wanted,
    table_of,
    too_large,
    wanted_of,
)
from cbir.tables.nested_sizes import nested_sizes
from cbir.tables.source import Source

if TYPE_CHECKING:
    from pyarrow import Array, RecordBatch


_STRINGS = ("string", "large_string")
_TOO_LONG = "?" * (MAX_CELL + 1)
"""Stands for what is refused without being unpacked."""

_PIECE = 1 << 20
"""Nested values, and characters in them, that are objects at a time."""


def read_parquet(source: Source, choose: Choose) -> Table:
    """Read a table from a Parquet file.

    What its footer says of the number of rows and values and of the unpacked size is judged before
    anything is unpacked, and so is what nested values are before they are objects.

    Raises
    ------
    CbirError
        When pyarrow is missing, or the file is damaged or too large.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise CbirError(
            f"{printable(source.name)}: Parquet needs the optional package pyarrow; install it:"
            " pip install 'cbir[parquet]'"
        ) from None
    try:
        with ParquetFile(source.location) as plain:
            schema = plain.schema_arrow
            chosen = wanted_of(source.name, schema.names, choose)
            simple = [name for name in chosen.if_text if is_simple(schema.field(name).type)]
            wanted = Wanted(chosen.columns, simple)
            footer, leaves = plain.metadata, _leaves(plain.schema, wanted.names)
            values = _check_size(source.name, footer, wanted.names, leaves)
            strings = [leaf for leaf in leaves if _is_text(plain.schema.column(leaf))]
        rows = max(1, min(BATCH, _PIECE * footer.num_rows // max(1, values)))
        # One text that all rows have is unpacked once.
        with ParquetFile(source.location, read_dictionary=strings) as file:
            batches = file.iter_batches(rows, columns=wanted.names)
            return table_of(source.name, wanted, _values(batches, wanted.names))
    except RecursionError:
        raise CbirError(
            f"{printable(source.name)}: a column is nested too deeply; leave it out"
        ) from None
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        reason = printable(" ".join(str(error).split()))[:300]
        raise CbirError(
            f"{printable(source.name)}: this Parquet file cannot be read: {reason}; write it again"
        ) from None


def _leaves(schema: Any, names: Sequence[str]) -> list[int]:
    """Return the columns of a file in which the values of the named ones are, nested or not."""
    inside = tuple(f"{name}." for name in names)
    paths = enumerate(schema.column(leaf).path for leaf in range(len(schema)))
    return [leaf for leaf, path in paths if f"{path}.".startswith(inside)]


def _is_text(leaf: Any) -> bool:
    return leaf.physical_type == "BYTE_ARRAY" and leaf.logical_type.type in ("STRING", "JSON")


def _check_size(name: str, footer: Any, names: Sequence[str], leaves: Sequence[int]) -> int:
    """Return how many values there are, nested ones included."""
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    unpacked = sum(group.total_byte_size for group in groups)
    values = sum(group.column(leaf).num_values for group in groups for leaf in leaves)
    if max(values, footer.num_rows * max(1, len(names))) > MAX_CELLS or unpacked > MAX_TEXT:
        raise too_large(name)
    return values


def _values(batches: Iterator[RecordBatch], names: Sequence[str]) -> Iterator[list[list[Any]]]:
    for batch in batches:
        for piece in _pieces(batch):
            yield [_column(piece.column(piece.schema.get_field_index(name))) for name in names]


def _pieces(batch: RecordBatch) -> Iterator[RecordBatch]:
    """Take rows with much in nested columns apart: as objects they need many times the memory."""
    from pyarrow import types

    nested = [array for array in batch.columns if types.is_nested(array.type)]
    if not nested:
        yield batch
        return
    # What is too long is refused, and not unpacked.
    sizes = sum(np.minimum(nested_sizes(array), MAX_CELL) for array in nested)
    piece = np.cumsum(sizes) // _PIECE
    starts = [0, *(np.flatnonzero(np.diff(piece)) + 1).tolist(), batch.num_rows]
    for start, end in pairwise(starts):
        yield batch.slice(start, end - start)


def _column(array: Array) -> list[Any]:
    import pyarrow.compute

    values: list[Any]
    kind = str(array.type)
    if pyarrow.types.is_nested(array.type):
        is_long = nested_sizes(array) > MAX_CELL
        if is_long.any():
            return [_TOO_LONG if long else "" for long in is_long]
    if kind.startswith("dictionary"):
        values = _column(array.dictionary)
        return [None if place is None else values[place] for place in array.indices.to_pylist()]
    if kind in _STRINGS:
        longest = pyarrow.compute.max(pyarrow.compute.binary_length(array)).as_py()
        if longest is not None and longest > 4 * MAX_CELL:
            return [_TOO_LONG] * len(array)
    return arrow_values(array)
