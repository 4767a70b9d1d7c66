"""Which reader reads a file: by its content."""

from __future__ import annotations

import os
import pickle
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from cbir.core.errors import CbirError, UsageError
from cbir.tables.reading import read_table
from cbir.tables.source import open_source
from tests.tables.helpers import all_columns


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.db", "x"])
def test_a_file_is_what_its_content_says(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('{"a": 1}\n')
    assert read_table(str(path), all_columns).columns == {"a": ["1"]}
    path.write_text("a;b\n1;2\n")
    assert read_table(str(path), all_columns).columns == {"a": ["1"], "b": ["2"]}
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (c)")
    assert read_table(str(path), all_columns).columns == {"c": []}


def test_what_a_command_writes_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("a\tb\n1\t2\n",))
    writer.start()
    assert read_table(str(pipe), all_columns).columns == {"a": ["1"], "b": ["2"]}
    writer.join()


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.abort, ()


def test_what_could_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CbirError, match=r"x\.csv: "):
        read_table(str(path), all_columns)
    np.save(tmp_path / "x.npy", np.array([Evil()]), allow_pickle=True)
    with pytest.raises(CbirError, match=r"x\.npy: "):
        read_table(str(tmp_path / "x.npy"), all_columns)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "is a directory"), (tmp_path / "x", "no such file")):
        with pytest.raises(CbirError, match=reason):
            read_table(str(path), all_columns)
    with pytest.raises(CbirError, match="not a regular file"):
        read_table("/dev/zero", all_columns)


def test_a_table_is_named_of_databases_only(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    with pytest.raises(
        UsageError, match=r"table names a table of a database, and .*x\.csv is none"
    ):
        read_table(str(tmp_path / "x.csv"), all_columns, "t")


@pytest.mark.parametrize("rest", ["", "/", "/:memory:", "/x.db?mode=rw", "/file:x.db", "host/x"])
def test_a_url_of_sqlite_names_a_file(rest: str) -> None:
    with pytest.raises(UsageError, match="name the file of the database by its path"):
        open_source(f"sqlite://{rest}")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://host/shop", "postgresql://host/shop"),
        ("postgresql://ann:secret@host:5432/shop?x=secret", "postgresql://host:5432/shop"),
        ("postgresql+psycopg:///shop?password=secret", "postgresql+psycopg:///shop"),
        ("postgresql://ann:sec/ret@host/shop", "postgresql://…"),
        ("postgresql://ann:sec?ret@host/shop", "postgresql://…"),
        ("postgresql://ann:123?secret@host/shop", "postgresql://…"),
        ("postgresql://ann:s@cret@host/shop", "postgresql://…"),
        ("mysql://ann:sec\nret@host/shop", "mysql://host/shop"),
    ],
)
def test_no_password_is_in_the_name_of_a_url(url: str, name: str) -> None:
    source = open_source(url)
    assert (source.name, source.kind, source.location) == (name, "url", url)
