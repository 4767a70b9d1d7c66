"""Conditions: what is harmless passes, everything else is refused before anything runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cbir.core.errors import CbirError, UsageError
from cbir.search.filters.columns import ImageColumns
from cbir.search.filters.metadata_filter import MetadataFilter
from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import FILE_DTYPE, Rows
from cbir.stores.paths import PathList

TABLE = {
    "name": ["Ann", "ben", "", "Zoë"],
    "year": ["2010", "NA", "2012", "2013"],
    "price": ["1.50", "2.5", "", "99"],
    "day": ["2020-01-31", "2020-02-01T10:00:00Z", "", "2021-12-31"],
    "my col": ["a", "b", "c", "d"],
}


@pytest.fixture(scope="module")
def images() -> MetadataFilter:
    facts = np.zeros(4, FILE_DTYPE)
    facts["width"] = [10, 20, 30, 40]
    facts["mtime"] = [0, 1_600_000_000_000, 0, 0]
    columns = {name: MetadataColumn.of(texts) for name, texts in TABLE.items()}
    paths = PathList.of(["a.jpg", "b.jpg", "c/d.jpg", "e.jpg"])
    return MetadataFilter(ImageColumns(Rows(paths, facts, columns)), 4)


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("name = 'Ann'", [0]),
        ("NAME in ('Ann', 'ben')", [0, 1]),
        ("lower(name) like 'z%' or name is null", [2, 3]),
        ("year >= 2012 and not (price > 50)", []),
        ("year >= 2012 and not (coalesce(price, 0) > 50)", [2]),
        ("year is null", [1]),
        ("price * 2 between 3 and 5", [0, 1]),
        ("day > date '2020-02-01'", [1, 3]),
        ("day - interval 1 month < '2020-01-02'", [0, 1]),
        ("year(day) = 2021", [3]),
        ("\"my col\" <> 'a' and width < 40", [1, 2]),
        ("path like 'c/%'", [2]),
        ("mtime > '2020-01-01'", [1]),
        ("name = 'Zoë'", [3]),
        ("name ~ '^A'", [0]),
        ("case when price > 2 then true else false end", [1, 3]),
        ("price::int = 99", [3]),
        ("true", [0, 1, 2, 3]),
    ],
)
def test_a_condition_finds_its_images(images: MetadataFilter, where: str, rows: list[int]) -> None:
    assert np.flatnonzero(images.matching(where)).tolist() == rows


INJECTIONS = [
    # Stacked statements
    "true; DROP TABLE images",
    "true; SELECT 1",
    "true;",
    "name = ''; ATTACH '{file}.db'; --",
    "1 = 1); COPY images TO '{file}'; --",
    "true; SET enable_external_access = true",
    # Reading files
    "exists (SELECT * FROM read_csv('{secret}'))",
    "exists (SELECT * FROM '{secret}')",
    "name IN (SELECT content FROM read_text('{secret}'))",
    "name = (SELECT content FROM read_blob('{secret}') LIMIT 1)",
    "exists (SELECT * FROM read_json('{secret}'))",
    "exists (SELECT * FROM parquet_scan('{secret}'))",
    "exists (SELECT * FROM glob('/*'))",
    "read_text('{secret}') = 'x'",
    "read_csv('{secret}') IS NOT NULL",
    "name = any (SELECT content FROM read_text('{secret}'))",
    "exists (FROM sniff_csv('{secret}'))",
    # Writing, attaching, loading
    "COPY images TO '{file}'",
    "ATTACH '{file}' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "EXPORT DATABASE '{file}'",
    "CREATE TABLE x AS SELECT 1",
    "INSERT INTO images VALUES (1)",
    "DELETE FROM images",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "SET memory_limit = '1TB'",
    # Behind the condition
    "true UNION SELECT 1",
    "true UNION ALL SELECT content FROM read_text('{secret}')",
    "true INTERSECT SELECT 1",
    "true ORDER BY (SELECT content FROM read_text('{secret}'))",
    "true LIMIT 1",
    "true GROUP BY name",
    "true GROUP BY name HAVING count(*) > 1",
    "true QUALIFY row_number() OVER () = 1",
    "1 = 1) OR (1 = 1",
    "true WINDOW w AS (PARTITION BY name) LIMIT 1",
    # Comments
    "name = 'x' -- and price < 3",
    "name = 'x' /* and */ or true",
    "/* */ true",
    "true --",
    # Queries, columns and rows of elsewhere
    "price > (SELECT avg(price) FROM images)",
    "exists (WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t)",
    "name = (SELECT name FROM duckdb_settings() LIMIT 1)",
    "images.name = 'x'",
    "information_schema.tables = 1",
    "rowid = 1",
    "columns_of_images = 1",
    "* = 1",
    "COLUMNS('name') = 'x'",
    "#1 = 1",
    "name = ?",
    "name = $secret",
    # Functions that tell, cost or change something
    "getenv('HOME') = 'x'",
    "current_setting('secret_directory') = 'x'",
    "getvariable('x') = 1",
    "repeat(name, 1000000000) = 'x'",
    "lpad(name, 1000000000, 'x') = 'x'",
    "replace(replace(name, 'n', 'nnnnnnnnnn'), 'n', 'nnnnnnnnnn') = 'x'",
    "len(range(1000000000000)) > 0",
    "list_sum(list_transform(range(1000000000), x -> x)) > 0",
    "unnest(range(1000000000)) > 0",
    "nextval('x') > 0",
    "random() > 0.5",
    "setseed(0.5) IS NULL",
    "query('SELECT 1') = 1",
    "query_table('images') = 1",
    "sum(price) > 0",
    "row_number() OVER () = 1",
    "lower(name ORDER BY name) = 'x'",
    "sha256(name) = 'x'",
    # Types and operators that no metadata have
    "name::blob = 'x'",
    "name::int[] = [1]",
    "name::struct(a int) = 1",
    "[x for x in [1, 2]] = [1]",
    "{{'a': 1}}.a = 1",
    "name[1] = 'A'",
    "name COLLATE nocase = 'ann'",
    "name || name = 'x'",
    # Too much
    "(" * 3000 + "true" + ")" * 3000,
    "not " * 3000 + "true",
    "name = 'x' or " * 3000 + "true",
    " + ".join(["width"] * 300) + " > 1",
    " + ".join(["width"] * 900) + " > 1",
    "abs(" * 300 + "width" + ")" * 300 + " > 1",
    "- " * 500 + "width > 1",
    "width" + "::int" * 400 + " > 1",
    "[" * 300 + "]" * 300 + " = 1",
    "\0",
    "name = '\udcff'",
    " ",
]


@pytest.mark.parametrize("where", INJECTIONS)
def test_what_is_no_plain_condition_is_refused(
    images: MetadataFilter, where: str, tmp_path: Path
) -> None:
    secret, written = tmp_path / "secret.txt", tmp_path / "written"
    secret.write_text("Ann\n")
    where = where.replace("{secret}", str(secret)).replace("{file}", str(written))
    with pytest.raises(UsageError, match=r"^where"):
        images.matching(where.replace("{{", "{").replace("}}", "}"))
    assert os.listdir(tmp_path) == ["secret.txt"]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("naem = 'x'", r"no column 'naem'; it has: name, year,.*; did you mean 'name'\?\n  naem"),
        ("price > 1 and colour = 'x'", r"\n  price > 1 and colour = 'x'\n {16}\^{6}$"),
        ("'ö' = name and foo", r"\n  'ö' = name and foo\n {17}\^{3}$"),
        ('name = "Ann"', "text stands in quotation marks: 'text'"),
        ("price > ", "syntax error"),
        ("name == == 1", r"syntax error.*\n  name == == 1\n {10}\^$"),
        ("name > 3", r"name > 3: Cannot compare .* \(name is text\)"),
        ("(name", "syntax error"),
    ],
)
def test_a_fault_is_named_with_its_place(images: MetadataFilter, where: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        images.matching(where)


def test_of_a_long_condition_the_place_of_the_fault_is_shown(images: MetadataFilter) -> None:
    where = "name = 'x' or " * 50 + "foo = 1 or " + "name = 'y' or " * 50 + "true"
    with pytest.raises(UsageError) as caught:
        images.matching(where)
    _, line, arrows = str(caught.value).split("\n")
    assert len(line) < 100 and line[arrows.index("^") :].startswith("foo")


def test_columns_that_differ_in_capitals_only_are_told_apart_where_they_can_be() -> None:
    columns = {"A": MetadataColumn.of(["1", "2"]), "a": MetadataColumn.of(["2", "2"])}
    rows = Rows(PathList.of(["1.jpg", "2.jpg"]), np.zeros(2, FILE_DTYPE), columns)
    images = MetadataFilter(ImageColumns(rows), 2)
    assert images.matching("A = 2").tolist() == [False, True]
    assert images.matching("a = 2").tolist() == [True, True]
    with pytest.raises(CbirError, match="differ in capitals only"):
        images.matching("A = a")


HOSTILE = [
    "(", "[", "{", "(a + (", "-(", "(-", "not (", "not -", "abs(", "a in (", "a = (", "(select ",
    "exists(", "cast(", "(1, ", "case when (", "array[", "{'a': ", "a[", "- ", "+", "~", "- + ",
    "not ", "!", "@ ", "@@ - ", "case ", "case when a then 1 else ", "case when a then ",
    "a and ", "a or not ", "a = b and (", "a ^ ", "a -> ", "a || ", "a::int ", "a between 1 and ",
    "a like b escape ", "a is null and ", "interval ", "a.", "a, ", "'x' ", "1 ", "?", "$1 ",
    "#", "*",
]  # fmt: skip

PARSER = """
import resource, sys
import duckdb
from cbir.core.errors import UsageError
from cbir.search.filters.condition import Condition

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

cursor = duckdb.connect()
Condition.parsed("a = 1", cursor)
before = most()
for unit in sys.argv[1:]:
    for size in (4_000, 20_000):
        for start, end in (("", ""), ("", "a"), ("a = ", ")"), ("'((' = a and ", " '")):
            text = start + unit * ((size - len(start) - len(end)) // len(unit)) + end
            try:
                Condition.parsed(text, cursor)
            except UsageError as error:
                assert len(str(error)) < 1_000
            assert most() - before < 120, (unit, size, most() - before)
"""


def test_no_text_costs_much_memory_to_parse() -> None:
    run = [sys.executable, "-c", PARSER, *HOSTILE]
    assert subprocess.run(run, capture_output=True, text=True).stderr == ""


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("(" * 33 + "true" + ")" * 33, "more than 32 brackets are open here"),
        ("[(" * 17 + "true", "more than 32 brackets are open here"),
        ("- " * 33 + "width > 1", "more than 32 signs and words are in a row"),
        ("not " * 40 + "true", "more than 32 signs and words are in a row"),
    ],
)
def test_what_is_nested_too_deeply_is_refused(
    images: MetadataFilter, where: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        images.matching(where)


@pytest.mark.parametrize(
    "where",
    [
        "(" * 32 + "true" + ")" * 32,
        "path <> '" + "(" * 500 + "'",
        " and ".join(["(width > 1)"] * 200),
        "width in (" + ", ".join(["-1"] * 2_000 + ["10", "20", "30", "40"]) + ")",
        "not " * 20 + "true",
    ],
)
def test_what_is_long_but_not_deep_passes(images: MetadataFilter, where: str) -> None:
    assert images.matching(where).tolist() == [True] * 4
