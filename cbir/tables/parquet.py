"""Tables in Parquet files, by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

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
from cbir.tables.source import Source

if TYPE_CHECKING:
    from pyarrow import Array, DataType, RecordBatch


_STRINGS = ("string", "large_string")
_SHORT_FLOATS = ("halffloat", "float")


def read_parquet(source: Source, choose: Choose) -> Table:
    """Read a table from a Parquet file.

    What its footer says of the number of rows and of the unpacked size is judged before anything
    is unpacked.

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
            simple = [name for name in chosen.if_text if _is_simple(schema.field(name).type)]
            wanted = Wanted(chosen.columns, simple)
            _check_size(source.name, plain.metadata, len(wanted.names))
            strings = [one.name for one in schema if str(one.type) in _STRINGS]
        # One text that all rows have is unpacked once.
        with ParquetFile(source.location, read_dictionary=strings) as file:
            batches = file.iter_batches(BATCH, columns=wanted.names)
            return table_of(source.name, wanted, _values(batches, wanted.names))
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        reason = printable(" ".join(str(error).split()))[:300]
        raise CbirError(
            f"{printable(source.name)}: this Parquet file cannot be read: {reason}; write it again"
        ) from None


def _check_size(name: str, footer: Any, columns: int) -> None:
    groups = (footer.row_group(number) for number in range(footer.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    if footer.num_rows * max(1, columns) > MAX_CELLS or unpacked > MAX_TEXT:
        raise too_large(name)


def _is_simple(kind: DataType) -> bool:
    from pyarrow import types

    return not (types.is_nested(kind) or "binary" in str(kind))


def _values(batches: Iterator[RecordBatch], names: Sequence[str]) -> Iterator[list[list[Any]]]:
    for batch in batches:
        yield [_column(batch.column(batch.schema.get_field_index(name))) for name in names]


def _column(array: Array) -> list[Any]:
    import pyarrow.compute

    values: list[Any]
    kind = str(array.type)
    if kind.startswith("dictionary"):
        values = _column(array.dictionary)
        return [None if place is None else values[place] for place in array.indices.to_pylist()]
    if kind in _STRINGS:
        longest = pyarrow.compute.max(pyarrow.compute.binary_length(array)).as_py()
        if longest is not None and longest > 4 * MAX_CELL:
            return ["?" * (MAX_CELL + 1)] * len(array)  # refused without being unpacked
    if kind in _SHORT_FLOATS:
        # The shortest text of the short number, not of the long one that it becomes in Python.
        return [float(str(number)) for number in array.to_numpy(zero_copy_only=False)]
    values = array.to_pylist()
    return values
