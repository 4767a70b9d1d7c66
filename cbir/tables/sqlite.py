"""Tables in SQLite files, which may be hostile: nothing in them runs but what selects rows."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

from cbir.core.errors import CbirError, printable, reason_of
from cbir.core.regular_files import open_regular
from cbir.tables.model import BATCH, MAX_CELL, MAX_SECONDS, Choose, Table, table_of, wanted_of
from cbir.tables.source import Source
from cbir.tables.table_names import the_table

_STEPS = 10_000
"""Instructions of SQLite's machine after which it looks at the clock."""

_BATCH_SIZE = 1 << 24
"""Characters of values that are read at a time."""

_WITH_LOG = b"\2\2"
"""Bytes 18 and 19 of a file with a write-ahead log (https://sqlite.org/fileformat2.html)."""

_IMMUTABLE = "&immutable=1"

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
    name, clock = printable(source.name), _Clock()
    try:
        before, uri = _state(source.location), _uri(source.location)
        with closing(sqlite3.connect(uri, uri=True, timeout=10)) as connection:
            _harden(connection, clock)
            names = [str(name) for (name,) in connection.execute(_TABLES)]
            chosen = the_table(source.name, names, table and table.removeprefix("main."))
            relation = _identifier(chosen)
            described = connection.execute(f"SELECT * FROM {relation} LIMIT 0").description
            wanted = wanted_of(source.name, [column[0] for column in described], choose)
            listed = ", ".join(map(_identifier, wanted.names))
            cursor = connection.execute(f"SELECT {listed} FROM {relation}")
            read = table_of(source.name, wanted, _batches(cursor))
        is_changed = uri.endswith(_IMMUTABLE) and _state(source.location) != before
    except OSError as error:
        raise CbirError(f"{name}: {reason_of(error)}") from None
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if clock.raised is not None:
            raise clock.raised from None
        reason = printable(str(error))
        if isinstance(error, UnicodeDecodeError):
            reason = "the name of a column is not UTF-8; rename it"
        elif reason == "interrupted":
            reason = f"it took more than {MAX_SECONDS} s"
        raise CbirError(f"{name}: this SQLite database cannot be read: {reason}") from None
    if is_changed:
        raise CbirError(f"{name}: the database was changed while it was read; try again")
    return read


_TABLES = (
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
)


class _Clock:
    """Ends a statement when its time is up, or when Ctrl-C or the like comes.

    SQLite swallows what a callback raises. Signals are handled where a function begins, outside of
    any `try` in it; a generator goes on within one.

    Attributes
    ----------
    raised : BaseException or None
        What ended the statement but for the time.
    ticks : iterator of bool
        Whether the time is up.
    """

    def __init__(self) -> None:
        self.raised: BaseException | None = None
        self.ticks = self._run()
        next(self.ticks)

    def _run(self) -> Iterator[bool]:
        end = time.monotonic() + MAX_SECONDS
        try:
            while True:
                yield time.monotonic() > end
        except BaseException as error:
            self.raised = error
            raise


def _uri(location: str) -> str:
    """Return the URI by which a file is opened without a trace.

    One with a write-ahead log (WAL) gets files beside it even by reading, unless it is declared to
    be immutable. It may be as long as there is no log: then nobody has written since the last one
    was merged. Where there is one, it may have rows; whoever reads it shares an index of it with
    other programs, which stays, for they may need it.
    """
    path = os.path.realpath(location)
    with open_regular(path) as file:
        versions = file.read(20)[18:]
    is_idle = versions == _WITH_LOG and not os.path.exists(f"{path}-wal")
    return f"file:{quote(os.fsencode(path))}?mode=ro{_IMMUTABLE if is_idle else ''}"


def _state(location: str) -> tuple[object, ...]:
    """Return what is not the same once another program has written to a file."""
    path = os.path.realpath(location)
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns, os.path.exists(f"{path}-wal")


def _harden(connection: sqlite3.Connection, clock: _Clock) -> None:
    """Let the file's own views neither run what is not harmless, nor write, nor go on forever."""
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * MAX_CELL)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_progress_handler(clock.ticks.__next__, _STEPS)
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
