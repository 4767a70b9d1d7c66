"""Tables in SQLite files, which may be hostile: nothing in them runs but what selects rows."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

from cbir.core.errors import CbirError, printable
from cbir.tables.model import BATCH, MAX_CELL, MAX_SECONDS, Choose, Table, table_of, wanted_of
from cbir.tables.source import Source
from cbir.tables.table_names import the_table

_STEPS = 10_000
"""Instructions of SQLite's machine after which it looks at the clock."""

_BATCH_SIZE = 1 << 24
"""Characters of values that are read at a time."""

_ALLOWED = (
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_TRANSACTION,
)
"""What a statement may do. Functions that load code are off unless a program turns them on."""


def read_sqlite(source: Source, choose: Choose, table: str | None = None) -> Table:
    """Read a table or a view of a SQLite file, which is opened for reading only.

    Raises
    ------
    UsageError
        When there is no such table, or several and none is named.
    CbirError
        When the file is damaged, or a view takes too long or does something else than to select.
    """
    place = quote(os.fsencode(os.path.abspath(source.location)))
    try:
        with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=10)) as connection:
            _harden(connection)
            names = [str(name) for (name,) in connection.execute(_TABLES)]
            chosen = the_table(source.name, names, table and table.removeprefix("main."))
            relation = _identifier(chosen)
            described = connection.execute(f"SELECT * FROM {relation} LIMIT 0").description
            wanted = wanted_of(source.name, [column[0] for column in described], choose)
            listed = ", ".join(map(_identifier, wanted.names))
            cursor = connection.execute(f"SELECT {listed} FROM {relation}")
            return table_of(source.name, wanted, _batches(cursor))
    except sqlite3.Error as error:
        reason = printable(str(error))
        if reason == "interrupted":
            reason = f"it took more than {MAX_SECONDS} s"
        raise CbirError(
            f"{printable(source.name)}: this SQLite database cannot be read: {reason}"
        ) from None


_TABLES = (
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
)


def _harden(connection: sqlite3.Connection) -> None:
    """Let the file's own views neither run what is not harmless, nor write, nor go on forever."""
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * MAX_CELL)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    end = time.monotonic() + MAX_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    connection.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
    )


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    """Yield columns of some rows at a time: of fewer, if they are long."""
    rows, size = [], 0
    for row in cursor:
        rows.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(rows) == BATCH or size > _BATCH_SIZE:
            yield list(zip(*rows, strict=True))
            rows, size = [], 0
    if rows:
        yield list(zip(*rows, strict=True))
