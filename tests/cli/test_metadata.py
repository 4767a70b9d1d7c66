"""``index --metadata`` as a user runs it."""

from __future__ import annotations

import csv
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Run

TABLE = "id;Preis;Name, lang\ncat-1;1,50;Möwe\ncat-2;2;b\nkite-1;3;c\ngone-1;4;d\n"


def column(name: str) -> list[str]:
    with open("index.csv", encoding="utf-8", newline="") as file:
        return [row[name] for row in csv.DictReader(file) if row[name]]


def test_what_was_joined_is_told(here: Run, photos: Path) -> None:
    Path("products.csv").write_text(TABLE, encoding="cp1252")
    done = here("index", "photos", "--metadata", "products.csv")
    assert done.returncode == 0
    assert done.stderr.splitlines()[:2] == [
        "products.csv: read as Windows-1252, separated by semicolons",
        "products.csv: 3 of 12 images by the column id, their names without the ending; 1 row"
        " without an image; 2 columns joined",
    ]
    assert column("Preis") == ["1,50", "2", "3"] and column("Name, lang") == ["Möwe", "b", "c"]
    assert "gone-1" not in done.stderr
    again = here("index", "photos", "--metadata", "products.csv", "--verbose")
    assert "products.csv: no image for gone-1\n" in again.stderr
    assert again.stderr.count("products.csv: no row for ") == 9
    assert here("index", "photos", "--metadata", "products.csv", "--quiet").stderr == ""


def test_columns_are_listed_with_commas(here: Run, photos: Path) -> None:
    Path("products.csv").write_text(TABLE, encoding="utf-8")
    wanted = 'price=Preis,"Name, lang"'
    done = here("index", "photos", "--metadata", "products.csv", "--columns", wanted)
    assert done.returncode == 0, done.stderr
    assert column("price") == ["1,50", "2", "3"] and column("Name, lang") == ["Möwe", "b", "c"]
    done = here("index", "photos", "--drop", "price")
    assert done.returncode == 0 and "index.csv.old" in done.stderr
    assert "price" not in Path("index.csv").read_text(encoding="utf-8").splitlines()[0]


def test_a_table_of_sqlite_is_joined(here: Run, photos: Path) -> None:
    with closing(sqlite3.connect("shop.db")) as database:
        database.executescript(
            "CREATE TABLE products (id TEXT, price REAL); CREATE TABLE others (x);"
            "INSERT INTO products VALUES ('cats/cat-1.jpg', 9.5)"
        )
    done = here("index", "photos", "--metadata", "shop.db")
    assert done.returncode == 2 and "Name it with --table; it has: others, prod" in done.stderr
    done = here("index", "photos", "--metadata", "shop.db", "--table", "products")
    assert done.returncode == 0 and column("price") == ["9.5"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--metadata gone.csv", 1, "gone.csv: no such file or directory"),
        ("--metadata photos", 1, "photos: is a directory"),
        ("--metadata photos/cats/cat-1.jpg", 1, "cat-1.jpg: this is no text"),
        ("--metadata t.csv --key a", 2, "--key a: the table has no such column; it has: id, width"),
        ("--metadata t.csv", 2, "rename it, or choose others, with --columns other=width"),
        ("--metadata t.csv --columns=", 2, "it is empty; give a value, or leave it out"),
        ("--key id", 2, "--key is about a table; name it with --metadata"),
        (
            "--metadata nosuch://u:secret@h/db",
            1,
            "nosuch://h/db: there is no such kind of database",
        ),
        ("--metadata postgresql://u:secret@h:x/db", 1, "this is no URL of a database"),
    ],
)
def test_what_cannot_be_joined_is_one_line(
    here: Run, photos: Path, options: str, code: int, message: str
) -> None:
    Path("t.csv").write_text("id,width\ncat-1,3\n")
    done = here("index", "photos", *options.split())
    assert done.returncode == code and message in done.stderr
    assert "secret" not in done.stderr and not Path("index.csv").exists()


def test_a_list_of_columns_with_a_line_break_is_refused(here: Run, photos: Path) -> None:
    done = here("index", "photos", "--metadata", "t.csv", "--columns", "a\rb")
    assert done.returncode == 2 and "no list of names: " in done.stderr


def test_indexing_without_a_table_does_not_pay_for_it(run: Run, photos: Path) -> None:
    code = (
        "import sys; from cbir.cli.index import index\n"
        "index(['photos', '--quiet'], standalone_mode=False)\n"
        "heavy = {'pyarrow', 'sqlalchemy', 'sqlite3', 'psycopg'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=photos.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
