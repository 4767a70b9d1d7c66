"""Tables of databases by URL: what goes wrong without one, and a real PostgreSQL server."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.evaluation.ground_truth import read_ground_truth
from cbir.tables import database
from cbir.tables.model import Table, Wanted
from cbir.tables.reading import read_table
from tests.tables.helpers import all_columns

TYPES = {
    "whole": ("bigint", 2**60, str(2**60)),
    "small": ("smallint", -7, "-7"),
    "exact": ("numeric(10,2)", Decimal("1.10"), "1.10"),
    "loose": ("numeric", Decimal("NaN"), ""),
    "single": ("real", 0.1, "0.1"),
    "double": ("double precision", 1e-7, "1e-07"),
    "yes": ("boolean", True, "true"),
    "text": ("text", "ä, \"b\" 'c'\n", "ä, \"b\" 'c'\n"),
    "padded": ("char(3)", "a", "a  "),
    "day": ("date", "2024-02-29", "2024-02-29"),
    "moment": ("timestamp", "2024-02-29 13:05:00.5", "2024-02-29T13:05:00.500000"),
    "instant": ("timestamptz", "2024-02-29 13:05:00+02", "2024-02-29T11:05:00+00:00"),
    "clock": ("time", "13:05", "13:05:00"),
    "length": ("interval", "1 day 1 second", "PT86401S"),
    "object": ("jsonb", '{"b": [1, null]}', '{"b": [1, null]}'),
    "list": ("text[]", ["a", None], '["a", null]'),
    "one": ("uuid", "00000000-0000-0000-0000-000000000007", "00000000-0000-0000-0000-000000000007"),
    "place": ("inet", "10.0.0.1", "10.0.0.1"),
    "kind": ("mood", "sad", "sad"),
}
"""Columns of each type: what is written, and the text that is read."""


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "postgresql://ann:secret@localhost:1/shop",
            r"postgresql://localhost:1/shop: this database",
        ),
        ("postgresql:///shop?host=/nowhere&password=secret", "postgresql:///shop: this database"),
        ("postgres://ann:secret@localhost:1/shop", "postgres://localhost:1/shop: this database"),
        ("nosuch://ann:secret@host/shop", "nosuch://host/shop: there is no such kind of database"),
        ("postgresql://ann:secret@host:port/shop", "postgresql://…: this is no URL of a database"),
        ("mysql+pymysql://ann:secret@host/shop", "the driver pymysql is missing; install it, for"),
    ],
)
def test_a_database_that_cannot_be_had_is_told_without_its_password(url: str, message: str) -> None:
    with pytest.raises(CbirError, match=message) as caught:
        read_table(url, all_columns)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("module", "name"), [("sqlalchemy", "SQLAlchemy"), ("psycopg", "psycopg")])
def test_without_its_packages_the_remedy_is_told(
    monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CbirError, match=rf"{name}.* install it.*pip install 'cbir\[postgres\]'"):
        read_table("postgresql://localhost:1/shop", all_columns)


Execute = Callable[..., None]


@pytest.fixture
def url() -> str:
    if "CBIR_POSTGRES_URL" not in os.environ:
        pytest.fail("start a server first: . .ci/postgres.sh; start_postgres")
    return os.environ["CBIR_POSTGRES_URL"]


@pytest.fixture
def schema() -> str:
    return f"test_{uuid4().hex}"


@pytest.fixture
def execute(url: str, schema: str) -> Iterator[Execute]:
    """Run statements in a schema of the test's own."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"SET search_path TO {schema}")
        yield lambda statement, values=None: connection.execute(statement, values) and None
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def read(url: str, schema: str, execute: Execute) -> Callable[..., Table]:
    return lambda table, choose=all_columns: read_table(url, choose, f"{schema}.{table}")


services = pytest.mark.services


@services
def test_each_type_has_its_text(execute: Execute, read: Callable[..., Table]) -> None:
    execute("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    columns = ", ".join(f"{name} {type_}" for name, (type_, _, _) in TYPES.items())
    execute(f"CREATE TABLE t ({columns})")
    values = [value for _, value, _ in TYPES.values()]
    places = ", ".join(["%s"] * len(values))
    execute(f"INSERT INTO t VALUES ({places})", values)
    execute("INSERT INTO t (day) VALUES (NULL)")
    rows = sorted(zip(*read("t").columns.values(), strict=True))
    assert rows == [tuple("" for _ in TYPES), tuple(text for _, _, text in TYPES.values())]


@services
def test_texts_do_not_depend_on_the_servers_settings(
    url: str, schema: str, execute: Execute
) -> None:
    execute(
        "CREATE TABLE t AS SELECT timestamptz '2024-02-29 13:05+00' AS at, date '2024-2-29' AS day,"
        " interval '1 day 2 hours' AS long, 0.1::float8 + 0.2::float8 AS sum"
    )
    options = "%20".join(
        f"-c%20{setting}"
        for setting in (
            "timezone=Asia/Tokyo",
            "datestyle=German",
            "intervalstyle=iso_8601",
            "extra_float_digits=0",
        )
    )
    assert read_table(f"{url}&options={options}", all_columns, f"{schema}.t").columns == {
        "at": ["2024-02-29T13:05:00+00:00"],
        "day": ["2024-02-29"],
        "long": ["PT93600S"],
        "sum": ["0.30000000000000004"],
    }


@services
def test_tables_and_views_are_read_by_their_names(
    execute: Execute, read: Callable[..., Table]
) -> None:
    execute("CREATE TABLE t AS SELECT 1 AS a")
    execute("CREATE VIEW v AS SELECT a + 1 AS b FROM t")
    execute("CREATE MATERIALIZED VIEW m AS SELECT a + 2 AS c FROM t")
    assert [read(name).columns for name in "tvm"] == [{"a": ["1"]}, {"b": ["2"]}, {"c": ["3"]}]
    with pytest.raises(UsageError, match=r"no such table; it has: .*\.m, .*\.t, .*\.v"):
        read("gone")


@services
def test_without_a_schema_the_usual_one_is_meant(url: str, schema: str, execute: Execute) -> None:
    execute("CREATE TABLE t AS SELECT 1 AS a")
    here = f"{url}&options=-c%20search_path={schema}"
    assert read_table(here, all_columns).columns == {"a": ["1"]}
    assert read_table(here, all_columns, "t").columns == {"a": ["1"]}
    execute("CREATE TABLE u (b int)")
    with pytest.raises(UsageError, match="which table"):
        read_table(here, all_columns)
    with pytest.raises(UsageError, match=r"table nosuch\.t: .* no such table"):
        read_table(here, all_columns, "nosuch.t")


@services
@pytest.mark.parametrize(
    "name", ['a"; DROP TABLE t; --', "a b", "select", "Ä", "a.b", "x'y", "a:b%s"]
)
def test_names_are_never_taken_for_sql(
    execute: Execute, read: Callable[..., Table], name: str
) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    execute("CREATE TABLE t (a int)")
    execute(f"CREATE TABLE {quoted} AS SELECT 5 AS {quoted}")
    assert read(name).columns == {name: ["5"]}
    assert read("t").columns == {"a": []}


@services
def test_nothing_can_be_written(execute: Execute, read: Callable[..., Table], schema: str) -> None:
    execute("CREATE TABLE t (a int)")
    execute(
        "CREATE FUNCTION evil() RETURNS int LANGUAGE plpgsql AS"
        f" $$ BEGIN INSERT INTO {schema}.t VALUES (1); RETURN 1; END $$"
    )
    execute("CREATE VIEW v AS SELECT evil() AS a")
    with pytest.raises(CbirError, match="cannot execute INSERT in a read-only transaction"):
        read("v")


@services
def test_what_takes_too_long_is_given_up(
    execute: Execute, read: Callable[..., Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database._SETTINGS, "statement_timeout", "200ms")
    execute("CREATE VIEW v AS SELECT pg_sleep(60)::text AS a")
    start = time.monotonic()
    with pytest.raises(CbirError, match="canceling statement due to statement timeout"):
        read("v")
    assert time.monotonic() - start < 30


@services
def test_an_endless_table_ends_where_the_limit_is(
    execute: Execute, read: Callable[..., Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cbir.tables.model.MAX_CELLS", 20_000)
    execute("CREATE VIEW v AS SELECT generate_series(1, 1000000000000) AS a")
    with pytest.raises(CbirError, match="the table is too large"):
        read("v")


@services
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("'\\xff'::bytea", "row 1, column a: a binary value"),
        ("'infinity'::date", "date too large"),
        ("'[1,2]'::int4range", "row 1, column a: a value of type Range"),
        ("repeat('x', 200000)", "row 1, column a: more than 131,072 characters"),
    ],
)
def test_what_has_no_text_is_refused(
    execute: Execute, read: Callable[..., Table], value: str, reason: str
) -> None:
    execute(f"CREATE TABLE t AS SELECT {value} AS a")
    with pytest.raises(CbirError, match=reason):
        read("t")


@services
def test_a_wrong_password_is_not_shown(url: str) -> None:
    with pytest.raises(CbirError, match="password authentication failed") as caught:
        read_table(url.replace(":secret@", ":topsecret@"), all_columns, "t")
    assert "secret" not in str(caught.value)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
ROWS = st.lists(
    st.tuples(TEXT, st.integers(-(2**63), 2**63 - 1) | st.none(), st.floats(allow_nan=False)),
    max_size=5,
)


@services
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_what_is_written_is_read(
    execute: Execute, read: Callable[..., Table], rows: list[tuple[str, int | None, float]]
) -> None:
    execute("DROP TABLE IF EXISTS t")
    execute("CREATE TABLE t (place int, text text, whole bigint, number double precision)")
    for place, row in enumerate(rows):
        execute("INSERT INTO t VALUES (%s, %s, %s, %s)", (place, *row))
    columns = read("t", lambda _: Wanted(["text", "whole", "number"])).columns
    assert columns["text"] == [text for text, _, _ in rows]
    assert columns["whole"] == ["" if one is None else str(one) for _, one, _ in rows]
    assert [float(one) for one in columns["number"]] == [number for _, _, number in rows]


@services
def test_many_rows_are_those_that_the_server_copies(
    url: str, schema: str, execute: Execute, read: Callable[..., Table]
) -> None:
    execute(
        "CREATE TABLE t AS SELECT a AS id, 'name ' || a % 7 AS name,"
        " CASE WHEN a % 3 > 0 THEN a / 7.0 END AS price FROM generate_series(1, 23456) AS a"
    )
    command = f"COPY {schema}.t TO STDOUT (NULL '')"
    with psycopg.connect(url) as connection, connection.cursor().copy(command) as copy:
        lines = b"".join(map(bytes, copy)).decode().splitlines()
    rows = zip(*read("t").columns.values(), strict=True)
    assert sorted(rows) == sorted(tuple(line.split("\t")) for line in lines)


@services
def test_an_index_and_a_truth_are_joined_from_it(
    url: str, schema: str, execute: Execute, photos: Path, tmp_path: Path
) -> None:
    execute("CREATE TABLE products (file text PRIMARY KEY, kind text, price numeric(6,2))")
    for number, price in ((1, "1.50"), (2, None), (9, "3")):
        execute("INSERT INTO products VALUES (%s, 'pet', %s)", (f"cats/cat-{number}.jpg", price))
    index, source = str(tmp_path / "index.csv"), f"{schema}.products"
    report = cbir.index(str(photos), index, metadata=url, table=source).metadata
    assert report is not None and report.source == "postgresql:///postgres"
    assert (report.images, report.rows_without_image) == (2, ("cats/cat-9.jpg",))
    (tmp_path / "products.csv").write_text(
        "file,kind,price\ncats/cat-1.jpg,pet,1.50\ncats/cat-2.jpg,pet,\n"
    )
    other = str(tmp_path / "other.csv")
    cbir.index(str(photos), other, metadata=str(tmp_path / "products.csv"))
    assert Path(index).read_bytes() == Path(other).read_bytes()
    paths: list[Any] = cbir.open(index).paths  # type: ignore[assignment]
    truth = read_ground_truth(url, paths, label="kind", table=source)
    assert truth.topics(["cats/cat-1.jpg", "sky/galaxies-1.jpg"]) == ["pet", None]
