"""Read a table, whatever it is in."""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name

from cbir.core.errors import CbirError, UsageError, printable, reason_of
from cbir.core.messages import Parameter
from cbir.tables.model import Choose, Table
from cbir.tables.source import Source, open_source

_READERS = {
    "text": "cbir.tables.delimited:read_delimited",
    "json": "cbir.tables.json_lines:read_json_lines",
    "parquet": "cbir.tables.parquet:read_parquet",
    "sqlite": "cbir.tables.sqlite:read_sqlite",
    "url": "cbir.tables.database:read_database",
}
"""By the kind of the source; imported when they are asked for."""

_DATABASES = ("sqlite", "url")


def read_table(source: str | Source, choose: Choose, table: str | None = None) -> Table:
    """Read a table as columns of text.

    Parameters
    ----------
    source : str or Source
        A file of values separated by commas, semicolons or tabs, of JSON lines, Parquet or
        SQLite, which is told by its content; or the URL of a database, as SQLAlchemy takes it.
    choose : callable
        Takes the names of all columns, and returns which are wanted.
    table : str, optional
        The table of a database; the only one unless told otherwise.

    Raises
    ------
    UsageError
        When the table cannot be meant.
    CbirError
        When it cannot be read, or is larger than the limits of :mod:`cbir.tables.model` allow.
    """
    opened = source if isinstance(source, Source) else _opened(source)
    read: Callable[..., Table] = resolve_name(_READERS[opened.kind])
    if opened.kind in _DATABASES:
        return read(opened, choose, table)
    if table is not None:
        raise UsageError(
            Parameter("table"),
            f" names a table of a database, and {printable(opened.name)} is none; leave it out",
        )
    return read(opened, choose)


def _opened(location: str) -> Source:
    try:
        return open_source(location)
    except OSError as error:
        raise CbirError(f"{printable(location)}: {reason_of(error)}") from None
