"""An index read from Parquet, whoever wrote it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cbir.core.errors import BrokenIndexError, printable
from cbir.descriptors.base import Row
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import Rows
from cbir.stores.parquet.columns import columns_of
from cbir.stores.parquet.contents import ColumnError, Contents
from cbir.stores.parquet.opened_file import opened
from cbir.stores.single_file.file_format import FACTS, rebuilding

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_PANDAS_INDEX = "__index_level_"
"""What the column of an index without a name is called that pandas writes for a frame."""

_BATCH_BYTES = 1 << 22
_BATCH_ROWS = 1 << 13
"""Of the matrices, and rows, that are read at a time, at most."""


def read_parquet(path: str, entries: Sequence[DescriptorEntry]) -> tuple[Rows, dict[str, Row]]:
    """Read an index from Parquet, however it was edited.

    Parameters
    ----------
    path : str
        The file.
    entries : sequence of DescriptorEntry
        The descriptors that it holds.

    Returns
    -------
    Rows, dict of str to ndarray
        The rows, sorted by path, and the matrices by alias.

    Raises
    ------
    BrokenIndexError
        When a value, a column or the end of the file is not as it should be; the message names the
        row.
    """
    with opened(path) as file:
        _check_columns(path, file, entries)
        _check_size(path, file, entries)
        contents = Contents(file.metadata.num_rows, entries, _own_columns(file, entries))
        for batch in file.iter_batches(_batch_rows(entries), use_threads=False):
            try:
                contents.add(batch)
            except ColumnError as error:
                raise BrokenIndexError(
                    f"{printable(path)}: {error}; mend it, or ", rebuilding(path)
                ) from None
    return contents.sorted(path)


def _check_columns(path: str, file: ParquetFile, entries: Sequence[DescriptorEntry]) -> None:
    names = set(file.schema_arrow.names)
    missing = [one.name for entry in entries for one in columns_of(entry) if one.name not in names]
    if missing:
        raise BrokenIndexError(
            f"{printable(path)}: the column {missing[0]!r} is missing; ", rebuilding(path)
        )


def _check_size(path: str, file: ParquetFile, entries: Sequence[DescriptorEntry]) -> None:
    """Refuse a file that says that it has what it cannot have, before anything is unpacked.

    No two rows have the same path, so each takes some room.
    """
    footer, schema = file.metadata, file.schema
    columns = [column for entry in entries for column in columns_of(entry)]
    limits = {column.name: column.width * footer.num_rows for column in columns}
    values = dict.fromkeys(limits, 0)
    owners = {}
    for leaf in range(len(schema)):
        inside = schema.column(leaf)
        name = inside.path.partition(".")[0] if inside.max_repetition_level else inside.path
        if name in limits:
            owners[leaf] = name
    for group in map(footer.row_group, range(footer.num_row_groups)):
        for leaf, name in owners.items():
            values[name] += group.column(leaf).num_values
    if not 0 <= footer.num_rows <= os.path.getsize(path) or any(
        values[name] > max(limit, footer.num_rows) for name, limit in limits.items()
    ):
        raise BrokenIndexError(
            f"{printable(path)}: it says that it has more values than there can be in it; ",
            rebuilding(path),
        )


def _own_columns(file: ParquetFile, entries: Sequence[DescriptorEntry]) -> list[str]:
    """Return the names of the columns of metadata; the index of a pandas frame is none."""
    schema = file.schema_arrow
    known = {name for name, _, _ in FACTS}
    known |= {column.name for entry in entries for column in columns_of(entry)}
    with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError):
        indexes = (schema.pandas_metadata or {}).get("index_columns", ())
        known |= {name for name in indexes if str(name).startswith(_PANDAS_INDEX)}
    return [name for name in schema.names if name not in known]


def _batch_rows(entries: Sequence[DescriptorEntry]) -> int:
    width = sum(np.dtype(entry.dtype).itemsize * entry.width for entry in entries)
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, width)))
