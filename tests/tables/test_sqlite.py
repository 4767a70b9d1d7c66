"""Tables in SQLite files, sound and hostile ones."""

from __future__ import annotations

import _thread
import signal
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.core.errors import CbirError, UsageError
from cbir.tables import sqlite
from cbir.tables.model import Table, Wanted
from cbir.tables.reading import read_table
from tests.tables.helpers import all_columns

ROWS = "CREATE TABLE t (id INTEGER, name TEXT, price REAL, x); INSERT INTO t VALUES "


def made(path: Path, script: str) -> str:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)
    return str(path)


def read(path: str, table: str | None = None) -> Table:
    return read_table(path, all_columns, table)


def test_each_value_has_its_text_whatever_the_file_is_called(tmp_path: Path) -> None:
    path = made(tmp_path / "a b%?#ü.csv", ROWS + "(1163, 'ä', 1, NULL), (NULL, '', 0.1, 7);")
    assert read(path).columns == {
        "id": ["1163", ""],
        "name": ["ä", ""],
        "price": ["1.0", "0.1"],
        "x": ["", "7"],
    }
    path = made(tmp_path / "x.db", ROWS + "(1, 'a', 2, 3);")
    assert read(f"sqlite:///{path}").columns == read(path).columns


def test_a_table_or_a_view_is_named(tmp_path: Path) -> None:
    script = ROWS + "(1, 'a', 2, 3); CREATE VIEW v AS SELECT id + 1 AS next FROM t;"
    path = made(tmp_path / "x.db", script)
    assert read(path, "v").columns == {"next": ["2"]}
    assert read(path, "t").columns == read(path, "main.t").columns
    with pytest.raises(UsageError, match=r"x\.db: which table\? Name it with table; it has: t, v"):
        read(path)
    with pytest.raises(UsageError, match=r"table vv: .*no such table; .*did you mean 'v'"):
        read(path, "vv")
    with pytest.raises(UsageError, match="no such table; it has none"):
        read(made(tmp_path / "empty.db", "CREATE TABLE a (b); DROP TABLE a;"), "t")


@pytest.mark.parametrize("name", ['a"; DROP TABLE t; --', "a b", "select", "ä", "a.b", "x'y"])
def test_names_are_never_taken_for_sql(tmp_path: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    script = (
        f"CREATE TABLE t (a); CREATE TABLE {quoted} ({quoted}); INSERT INTO {quoted} VALUES (5)"
    )
    path = made(tmp_path / "x.db", script)
    assert read(path, name).columns == {name: ["5"]}
    assert read(path, "t").columns == {"a": []}


def test_nothing_is_written(tmp_path: Path) -> None:
    path = made(tmp_path / "x.db", ROWS + "(1, 'a', 2, 3);")
    before = Path(path).read_bytes()
    read(path)
    assert Path(path).read_bytes() == before and [one.name for one in tmp_path.iterdir()] == [
        "x.db"
    ]


def test_what_another_program_has_not_committed_is_not_read(tmp_path: Path) -> None:
    path = made(tmp_path / "x.db", "PRAGMA journal_mode = WAL;" + ROWS + "(1, 'a', 2, 3);")
    with closing(sqlite3.connect(path)) as other:
        other.execute("INSERT INTO t VALUES (2, 'b', 3, 4)")
        assert read(path).columns["id"] == ["1"]
        other.commit()
        assert read(path).columns["id"] == ["1", "2"]


def files_of(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_a_database_with_a_log_that_is_closed_is_read_without_a_trace(tmp_path: Path) -> None:
    path = made(tmp_path / "x.db", "PRAGMA journal_mode = WAL;" + ROWS + "(1, 'a', 2, 3);")
    before = files_of(tmp_path)
    assert list(before) == ["x.db"]
    assert read(path).columns["id"] == ["1"] and files_of(tmp_path) == before
    (tmp_path / "link.db").symlink_to(path)
    assert read(str(tmp_path / "link.db")).columns["id"] == ["1"]
    assert {*files_of(tmp_path)} == {"x.db", "link.db"}


def test_what_is_only_in_the_log_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    path = made(tmp_path / "x.db", "PRAGMA journal_mode = WAL;" + ROWS + "(1, 'a', 2, 3);")
    with closing(sqlite3.connect(path)) as other:
        other.execute("INSERT INTO t VALUES (2, 'b', 3, 4)")
        other.commit()
        for name in ("x.db", "x.db-wal"):
            (folder / name).write_bytes((tmp_path / name).read_bytes())
    before = files_of(folder)
    assert read(str(folder / "x.db")).columns["id"] == ["1", "2"]
    assert before.items() <= files_of(folder).items()


def test_what_is_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "x.db", "PRAGMA journal_mode = WAL;" + ROWS + "(1, 'a', 2, 3);")

    def choose(header: Sequence[str]) -> Wanted:
        with closing(sqlite3.connect(path)) as other:
            other.execute("INSERT INTO t VALUES (2, 'b', 3, 4)")
            other.commit()
        return Wanted(header)

    with pytest.raises(CbirError, match=r"x\.db: the database was changed while it was read"):
        read_table(path, choose)


def test_the_name_of_a_column_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = Path(made(tmp_path / "x.db", "CREATE TABLE t (id, nomo);"))
    path.write_bytes(path.read_bytes().replace(b"nomo", b"n\xf6mo"[:4]))
    with pytest.raises(CbirError, match=r"x\.db: .*the name of a column is not UTF-8"):
        read(str(path))


def test_ctrl_c_ends_a_slow_view(tmp_path: Path) -> None:
    path = made(tmp_path / "x.db", f"CREATE VIEW v AS {ENDLESS.format('count(*) AS a')}")
    # Where the tests run in the background of a shell, it would be ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.5, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):
            read(path)
    finally:
        signal.signal(signal.SIGINT, before)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n"


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (ENDLESS.format("count(*) AS a"), "it took more than 1 s"),
        (ENDLESS.format("i AS a") + " WHERE i < 0", "it took more than 1 s"),
        ("SELECT load_extension('/tmp/evil') AS a", "not authorized|unsafe use"),
        ("SELECT replace(hex(zeroblob(200000)), '0', 'xxxxxxxxx') AS a", "too big"),
        ("SELECT zeroblob(900000000) AS a", "too big"),
        ("SELECT x'ff' AS a", "row 1, column a: a binary value"),
        ("SELECT CAST(x'ff' AS TEXT) AS a", "Could not decode to UTF-8"),
        ("SELECT 'a' || char(0) AS a", "row 1, column a: a NUL character"),
        ("SELECT * FROM gone", "no such table"),
    ],
)
def test_a_hostile_view_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, view: str, reason: str
) -> None:
    monkeypatch.setattr(sqlite, "MAX_SECONDS", 1)
    path = made(tmp_path / "x.db", f"CREATE VIEW v AS {view}")
    with pytest.raises(CbirError, match=reason):
        read(path)


def test_an_endless_view_ends_where_the_limit_of_rows_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cbir.tables.model.MAX_CELLS", 20_000)
    path = made(tmp_path / "x.db", f"CREATE VIEW v AS {ENDLESS.format('i AS a')}")
    with pytest.raises(CbirError, match="the table is too large"):
        read(path)


@pytest.mark.parametrize("place", [16, 100, 4096])
def test_a_damaged_file_is_refused(tmp_path: Path, place: int) -> None:
    path = Path(made(tmp_path / "x.db", ROWS + ",".join(["(1, 'some text', 2, 3)"] * 500)))
    data = bytearray(path.read_bytes())
    data[place : place + 400] = b"\xa5" * 400
    path.write_bytes(data)
    with pytest.raises(CbirError, match=r"x\.db: "):
        read(str(path))


def test_many_rows_with_long_texts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    rows = [(number, "ä" * (number % 7 * 4000)) for number in range(6000)]
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (id INTEGER, text TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?)", rows)
        database.commit()
    assert read(str(path)).columns == {
        "id": [str(number) for number, _ in rows],
        "text": [text for _, text in rows],
    }


def test_an_unwanted_blob_is_no_key(tmp_path: Path) -> None:
    path = made(tmp_path / "x.db", ROWS + "(1, 'a', 2, x'ff');")
    assert list(read_table(path, lambda header: Wanted(["id"], header)).columns) == [
        "id",
        "name",
        "price",
    ]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(rows=st.lists(st.tuples(CELLS, st.integers(-(2**63), 2**63 - 1) | st.none()), max_size=5))
def test_what_pandas_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int | None]]
) -> None:
    path = tmp_path_factory.mktemp("database") / "x.db"
    frame = pandas.DataFrame(rows, columns=["text", "number"], dtype=object)
    with closing(sqlite3.connect(path)) as database:
        frame.to_sql("t", database, index=False, dtype={"text": "TEXT", "number": "INTEGER"})
    assert read(str(path)).columns == {
        "text": [text for text, _ in rows],
        "number": ["" if number is None else str(number) for _, number in rows],
    }
