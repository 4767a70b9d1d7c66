"""Parquet files that are opened and found to be those of an index, or told what they are."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cbir.core.errors import BrokenIndexError, printable
from cbir.core.messages import Parameter
from cbir.stores.single_file.file_format import FACT_COLUMNS, PARQUET_MAGIC, rebuilding

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_MAGIC_ENCRYPTED = b"PARE"
_SHORTEST = 12
"""Bytes of a Parquet file, at least."""

_BUFFER = 1 << 20
"""Bytes of a column that are read at a time."""

_MOST_COLUMNS = 10_000

_LONGEST_REASON = 300
"""Characters of what pyarrow says that a message has."""


@contextlib.contextmanager
def opened(path: str) -> Iterator[ParquetFile]:
    """Open a Parquet file for a block, in which what pyarrow raises becomes an error of ours.

    Raises
    ------
    BrokenIndexError
        When it is damaged, or no index.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    _check_ends(path)
    try:
        with ParquetFile(path) as plain:
            _check_columns(path, plain)
            binary = _binary_columns(plain.schema)
        # A text that many rows have is unpacked once.
        with ParquetFile(
            path, read_dictionary=binary, buffer_size=_BUFFER, page_checksum_verification=True
        ) as file:
            yield file
    except RecursionError:
        raise _damaged(path, "a column is nested too deeply") from None
    except MemoryError:
        raise _damaged(path, "it says that it has more than fits into memory") from None
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno:
            raise  # of the operating system
        reason = printable(" ".join(str(error).split()))[:_LONGEST_REASON]
        raise _damaged(path, f"it cannot be read: {reason}") from None


def _damaged(path: str, reason: str) -> BrokenIndexError:
    return BrokenIndexError(f"{printable(path)}: {reason}; ", rebuilding(path))


def _check_ends(path: str) -> None:
    """Say what a file is that is no whole Parquet file."""
    with open(path, "rb") as file:
        size, start = os.fstat(file.fileno()).st_size, file.read(len(PARQUET_MAGIC))
        file.seek(max(0, size - len(PARQUET_MAGIC)))
        end = file.read()
    if not size:
        raise _damaged(path, "the index is empty")
    if start == _MAGIC_ENCRYPTED:
        raise BrokenIndexError(
            f"{printable(path)}: it is encrypted; write it without encryption, or ",
            rebuilding(path),
        )
    if start != PARQUET_MAGIC:
        raise BrokenIndexError(
            f"{printable(path)}: not an index: this is no Parquet file; if it is a CSV, give it a"
            " name that ends with .csv, or name another file with ",
            Parameter("index", ...),
        )
    if end != PARQUET_MAGIC or size < _SHORTEST:
        raise _damaged(path, "the end is missing: the file seems to be cut off")


def _check_columns(path: str, file: ParquetFile) -> None:
    names = file.schema_arrow.names
    missing = [name for name in ("path", *FACT_COLUMNS) if name not in names]
    if missing:
        raise BrokenIndexError(
            f"{printable(path)}: not an index: it has no column {missing[0]!r};"
            " name another file with ",
            Parameter("index", ...),
        )
    if len(names) > _MOST_COLUMNS:
        raise _damaged(path, f"{len(names):,} columns; more than {_MOST_COLUMNS:,} are not read")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BrokenIndexError(
            f"{printable(path)}: two columns are called {printable(twice)!r}; rename one"
        )


def _binary_columns(schema: Any) -> list[str]:
    leaves = [schema.column(number) for number in range(len(schema))]
    return [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
