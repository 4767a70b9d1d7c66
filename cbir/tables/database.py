"""Tables in databases such as PostgreSQL, by SQLAlchemy."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cbir.core.errors import CbirError, printable
from cbir.tables.model import BATCH, MAX_SECONDS, Choose, Table, table_of, wanted_of
from cbir.tables.source import Source
from cbir.tables.table_names import the_table

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Inspector, TableClause

_CONNECT_SECONDS = 15
_POSTGRES = ("postgresql", "postgres")
_SETTINGS = {
    "statement_timeout": f"{MAX_SECONDS}s",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
}
"""Of PostgreSQL: no table takes forever, and what is read is the same everywhere."""

_INSTALL = "pip install 'cbir[postgres]'"


def read_database(source: Source, choose: Choose, table: str | None = None) -> Table:
    """Read a table or a view of a database, in a transaction that is never committed.

    In PostgreSQL it may only read, and has limited time. Names are quoted, never taken for SQL;
    no message has a password.

    Raises
    ------
    UsageError
        When there is no such table, or several and none is named.
    CbirError
        When SQLAlchemy or a driver is missing, or the database cannot be read.
    """
    name = printable(source.name)
    try:
        from sqlalchemy import column, create_engine, inspect, select
        from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
        from sqlalchemy.pool import NullPool
        from sqlalchemy.sql.elements import quoted_name
    except ImportError:
        raise CbirError(
            f"{name}: a database needs the optional package SQLAlchemy; install it: {_INSTALL}"
        ) from None
    try:
        url, options = _driver_of(source.location)
        engine = create_engine(url, poolclass=NullPool, connect_args=options)
    except NoSuchModuleError:
        raise CbirError(f"{name}: there is no such kind of database, or no driver for it") from None
    except (ArgumentError, ValueError):
        raise CbirError(
            f"{name}: this is no URL of a database; write it as postgresql://USER@HOST/DATABASE"
        ) from None
    except ImportError as error:
        raise CbirError(
            f"{name}: the driver {printable(str(error.name))} is missing; install it, for"
            f" PostgreSQL by {_INSTALL}"
        ) from None
    try:
        with engine.connect() as connection:
            _begin(connection)
            inspector = inspect(connection)
            relation, header = _relation(source.name, inspector, table)
            wanted = wanted_of(source.name, header, choose)
            columns: list[Any] = [column(quoted_name(one, quote=True)) for one in wanted.names]
            streaming = connection.execution_options(stream_results=True, yield_per=BATCH)
            with streaming.execute(select(*columns).select_from(relation)) as rows:
                return table_of(source.name, wanted, _batches(name, rows.partitions()))
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        reason = " ".join(_without_secrets(str(cause), url).split())
        raise CbirError(
            f"{name}: this database cannot be read: {printable(reason)[:500]}"
        ) from None
    finally:
        engine.dispose()


def _driver_of(location: str) -> tuple[URL, dict[str, Any]]:
    """Return the URL with the driver of the extra, and how long to wait for a connection."""
    from sqlalchemy import make_url

    url = make_url(location)
    if url.drivername in _POSTGRES:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername == "postgresql+psycopg" and "connect_timeout" not in url.query:
        return url, {"connect_timeout": _CONNECT_SECONDS}
    return url, {}


def _begin(connection: Connection) -> None:
    from sqlalchemy import text

    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION READ ONLY"))
        for name, value in _SETTINGS.items():
            setting = text("SELECT set_config(:name, :value, true)")
            connection.execute(setting, {"name": name, "value": value})


def _relation(name: str, inspector: Inspector, table: str | None) -> tuple[TableClause, list[str]]:
    """Return the table, and the names of its columns."""
    from sqlalchemy import table as clause
    from sqlalchemy.sql.elements import quoted_name

    schema, dot, rest = (table or "").partition(".")
    if table is not None and dot and not inspector.has_table(table):
        there = _tables(inspector, schema) if schema in inspector.get_schema_names() else []
        the_table(name, [f"{schema}.{one}" for one in there], table)
        where, chosen = quoted_name(schema, quote=True), rest
    else:
        where, chosen = None, the_table(name, _tables(inspector, None), table)
    header = [str(one["name"]) for one in inspector.get_columns(chosen, where)]
    return clause(quoted_name(chosen, quote=True), schema=where), header


def _batches(name: str, partitions: Iterable[Sequence[Any]]) -> Iterator[list[tuple[Any, ...]]]:
    end = time.monotonic() + MAX_SECONDS
    for rows in partitions:
        if time.monotonic() > end:
            raise CbirError(f"{name}: reading the table took more than {MAX_SECONDS} s")
        yield list(zip(*rows, strict=True))


def _tables(inspector: Inspector, schema: str | None) -> list[str]:
    names = {*inspector.get_table_names(schema), *inspector.get_view_names(schema)}
    if inspector.dialect.name == "postgresql":
        names.update(inspector.get_materialized_view_names(schema))
    return sorted(map(str, names))


def _without_secrets(text: str, url: URL) -> str:
    secrets = [url.password, *(value for key, value in url.query.items() if "pass" in key)]
    for secret in secrets:
        if secret:
            text = text.replace(str(secret), "***")
    return text
