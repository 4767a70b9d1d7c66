"""Parquet indexes that others wrote: by tools, by mistake, or to do harm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest

from cbir.core.errors import BrokenIndexError
from cbir.descriptors.base import Row
from cbir.stores.model import Rows
from tests.stores.csv.test_reading import RECORDS, table
from tests.stores.parquet.test_writing import FORMAT, written

PATHS = [f"{letter}.jpg" for letter in "abcde"]
Made = tuple[str, Rows, dict[str, Row]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A file, and what is in it."""
    rows, matrices = table(PATHS, {"mine": ["x", "", "y", "x", "ö"]})
    return written(tmp_path / "i.parquet", rows, matrices), rows, matrices


def by_pandas(path: str) -> None:
    frame = pandas.read_parquet(path)
    frame[frame["path"] > "b.jpg"].iloc[::-1].to_parquet(path)


def by_polars(path: str) -> None:
    polars.read_parquet(path).filter(polars.col("path") > "b.jpg").reverse().write_parquet(path)


def by_duckdb(path: str) -> None:
    query = f"SELECT * FROM '{path}' WHERE path > 'b.jpg' ORDER BY path DESC"
    duckdb.sql(f"COPY ({query}) TO '{path}.new' (FORMAT parquet)")
    Path(f"{path}.new").rename(path)


def by_pyarrow(path: str) -> None:
    whole = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(whole.slice(2).take([2, 1, 0]), path, row_group_size=2)


@pytest.mark.parametrize("tool", [by_pandas, by_polars, by_duckdb, by_pyarrow])
def test_rows_may_be_deleted_and_reordered_by_any_tool(
    made: Made, tool: Callable[[str], None]
) -> None:
    path, rows, matrices = made
    tool(path)
    back, found = FORMAT.read(path, RECORDS)
    assert list(back.paths) == PATHS[2:]
    assert (back.facts == rows.facts[2:]).all()
    assert back.metadata["mine"].texts() == ["y", "x", "ö"]
    assert list(back.metadata) == ["mine"]
    for alias, matrix in matrices.items():
        assert np.array_equal(found[alias], matrix[2:]) and found[alias].dtype == matrix.dtype


def test_numbers_of_wider_types_are_taken_where_they_fit(made: Made) -> None:
    path, _, matrices = made
    frame = polars.read_parquet(path)
    wide = {"v": polars.List(polars.Int64), "f": polars.Array(polars.Float64, 2)}
    frame.cast(wide | {"bytes": polars.UInt64, "width": polars.Int16}, strict=False).with_columns(
        width=polars.lit(7, polars.Int16)
    ).write_parquet(path)
    rows, found = FORMAT.read(path, RECORDS)
    assert np.array_equal(found["v"], matrices["v"]) and np.array_equal(found["f"], matrices["f"])
    assert rows.facts["width"].tolist() == [7] * 5


OWN = {
    "whole": ([1, None, -3, 2**62, 0], ["1", "", "-3", str(2**62), "0"]),
    "float": ([0.1, None, float("nan"), 2.0, 1e-9], ["0.1", "", "", "2.0", "1e-09"]),
    "truth": ([True, False, None, True, True], ["true", "false", "", "true", "true"]),
    "day": ([date(2024, 2, 29)] * 4 + [None], ["2024-02-29"] * 4 + [""]),
    "time": (
        [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)] * 5,
        ["2024-01-02T03:04:05+00:00"] * 5,
    ),
    "money": ([Decimal("1.50")] * 5, ["1.50"] * 5),
    "nothing": ([None] * 5, [""] * 5),
}


@pytest.mark.parametrize("kind", OWN)
def test_columns_of_ones_own_may_be_of_any_simple_type(made: Made, kind: str) -> None:
    path, _, _ = made
    values, texts = OWN[kind]
    table = pyarrow.parquet.read_table(path).append_column("own", pyarrow.array(values))
    pyarrow.parquet.write_table(table, path)
    assert FORMAT.read(path, RECORDS)[0].metadata["own"].texts() == texts


def test_short_floats_have_the_text_that_they_were_given(made: Made) -> None:
    path, _, _ = made
    own = pyarrow.array([0.1, 0.2, None, 1.0, 3.0], pyarrow.float32())
    whole = pyarrow.parquet.read_table(path).append_column("own", own)
    pyarrow.parquet.write_table(whole, path)
    texts = FORMAT.read(path, RECORDS)[0].metadata["own"].texts()
    assert texts == ["0.1", "0.2", "", "1.0", "3.0"]


def test_an_index_of_pandas_with_a_name_is_a_column_too(made: Made) -> None:
    path, _, _ = made
    pandas.read_parquet(path).set_index("mine").to_parquet(path)
    rows, _ = FORMAT.read(path, RECORDS)
    assert rows.metadata["mine"].texts() == ["x", "", "y", "x", "ö"]


def test_categories_of_pandas_are_text(made: Made) -> None:
    path, _, _ = made
    frame = pandas.read_parquet(path)
    frame["own"] = pandas.Categorical(["b", "a", None, "b", "a"])
    frame.to_parquet(path)
    assert FORMAT.read(path, RECORDS)[0].metadata["own"].texts() == ["b", "a", "", "b", "a"]


def replaced(name: str, values: Any, kind: Any = None) -> Callable[[str], None]:
    """Return what puts other values into a column."""

    def change(path: str) -> None:
        whole = pyarrow.parquet.read_table(path)
        column = pyarrow.array(values, kind)
        place = whole.schema.get_field_index(name)
        if place < 0:
            whole = whole.append_column(name, column)
        else:
            whole = whole.set_column(place, name, column)
        pyarrow.parquet.write_table(whole, path)

    return change


def dropped(name: str) -> Callable[[str], None]:
    """Return what leaves a column out."""

    def change(path: str) -> None:
        pyarrow.parquet.write_table(pyarrow.parquet.read_table(path).drop_columns(name), path)

    return change


def cut(size: int) -> Callable[[str], None]:
    """Return what cuts a file off."""

    def change(path: str) -> None:
        raw = Path(path).read_bytes()
        Path(path).write_bytes(raw[:size])

    return change


def as_bytes(data: bytes) -> Callable[[str], None]:
    """Return what writes another file there."""

    def change(path: str) -> None:
        Path(path).write_bytes(data)

    return change


def flipped(path: str) -> None:
    raw = bytearray(Path(path).read_bytes())
    raw[len(raw) // 8] ^= 0xFF
    Path(path).write_bytes(raw)


def doubled(path: str) -> None:
    whole = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(pyarrow.concat_tables([whole, whole.slice(3, 1)]), path)


def twice_named(path: str) -> None:
    whole = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(whole.append_column("mine", whole["mine"]), path)


def encrypted(path: str) -> None:
    raw = Path(path).read_bytes()
    Path(path).write_bytes(b"PARE" + raw[4:-4] + b"PARE")


GOOD = [[1, 2, 3]] * 4
LONG = pyarrow.list_(pyarrow.uint8())
FAULTS: dict[str, tuple[Callable[[str], None], str]] = {
    "cut off": (cut(500), "the end is missing: the file seems to be cut off"),
    "cut to its first bytes": (cut(6), "cut off"),
    "empty": (cut(0), "the index is empty"),
    "a CSV": (as_bytes(b"path,bytes\n"), r"no Parquet file; if it is a CSV.*\.csv"),
    "encrypted": (encrypted, "it is encrypted; write it without"),
    "a changed byte": (flipped, "cannot be read"),
    "no footer": (as_bytes(b"PAR1" + bytes(99) + b"PAR1"), "cannot be read"),
    "a footer that is too long": (as_bytes(b"PAR1" + b"\xff" * 99 + b"PAR1"), "cannot be read"),
    "no path": (dropped("path"), "not an index: it has no column 'path'"),
    "no facts": (dropped("width"), "not an index: it has no column 'width'"),
    "no vector": (dropped("v"), "the column 'v' is missing"),
    "no quality": (dropped("r_quality"), "the column 'r_quality' is missing"),
    "two rows of a path": (doubled, r"two rows have the path 'd\.jpg' \(rows 4, 6\); delete one"),
    "two columns of a name": (twice_named, "two columns are called 'mine'; rename one"),
    "a short list": (
        replaced("v", [*GOOD, [1, 2]], LONG),
        "row 5, column v: .* have 3 numbers",
    ),
    "a long list": (replaced("v", [[1] * 4, *GOOD], LONG), "more values than there can be"),
    "a missing list": (replaced("v", [*GOOD, None], LONG), "row 5, column v: a value is missing"),
    "a missing number": (
        replaced("v", [*GOOD, [1, None, 2]], LONG),
        "row 5, column v: a value is missing",
    ),
    "a number out of range": (
        replaced("v", [*GOOD, [1, 256, 2]]),
        "row 5, column v: a number is out of range",
    ),
    "a number below 0": (
        replaced("v", [[1, -1, 2], *GOOD]),
        "row 1, column v: a number is out of range",
    ),
    "fractions": (replaced("v", [[0.5] * 3, *GOOD]), "row 1, column v: .*not a whole number"),
    "texts for numbers": (replaced("v", [list("abc")] * 5), "column v: the type is string"),
    "text for lists": (
        replaced("v", ["abc"] * 5),
        "column v: .* string, which is no list",
    ),
    "lists of lists": (replaced("v", [[[1], [2], [3]]] * 5), "column v: the type is list"),
    "not a number": (
        replaced("f", [[1.0, 2.0]] * 3 + [[float("nan"), 1.0]] * 2),
        "row 4, column f: a number is not finite",
    ),
    "infinite": (
        replaced("f", [[1.0, 2.0]] * 4 + [[1.0, 1e300]]),
        "row 5, column f: a number is not finite",
    ),
    "a short hash": (replaced("h", [b"8 bytes."] * 4 + [b"7 bytes"]), "row 5, column h: .*8 bytes"),
    "no hash": (replaced("h", [b"8 bytes."] * 4 + [None]), "row 5, column h: a value is missing"),
    "a hash as text": (replaced("h", ["8 bytes."] * 5), "row 1, column h: .*not binary"),
    "a quality": (replaced("r_quality", [0, 100, 101, 0, 0]), "row 3, column r_quality: a quality"),
    "a short digest": (replaced("sha256", [b"x"] * 5), "row 1, column sha256: .*32 bytes"),
    "a width as text": (replaced("width", ["7"] * 5), "row 1, column width: .*not a whole number"),
    "no width": (replaced("width", [1, None, 2, 3, 4]), "row 2, column width: a value is missing"),
    "a large width": (
        replaced("width", [1, 2**40, 2, 3, 4]),
        "row 2, column width: .* range",
    ),
    "a path that leads out": (
        replaced("path", ["a", "../b", "c", "d", "e"]),
        r"row 2: the path '\.\./b' cannot be: it leads out of the dataset",
    ),
    "an absolute path": (replaced("path", ["a", "b", "c", "d", "/e"]), "row 5: .*not relative"),
    "an empty path": (replaced("path", ["", "b", "c", "d", "e"]), "row 1: the path '' cannot be"),
    "no such path": (
        replaced("path", [None, "b", "c", "d", "e"]),
        "column path: .*missing",
    ),
    "bytes that are no path": (
        replaced("path_base64", [None, "?", None, None, None]),
        "row 2: the path",
    ),
    "lists of one's own": (replaced("own", [[1]] * 5), "column own: .*save this column as text"),
    "bytes of one's own": (replaced("own", [b"1"] * 5), "column own: .*save this column as text"),
    "a year of one's own": (
        replaced("own", [2**55] * 5, pyarrow.timestamp("ms")),
        "column own: .*save this column as text",
    ),
    "a digest of a later batch": (
        replaced("sha256", [*[bytes([row]) * 32 for row in range(4)], b"short"]),
        "row 5, column sha256: a value does not have 32 bytes",
    ),
    "text that is none": (
        replaced("mine", pyarrow.array([b"\xff"] * 5).cast("string", safe=False)),
        "cannot be read",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("batch", [1, 8192])
def test_what_is_no_index_is_refused_and_told(
    made: Made, fault: str, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cbir.stores.parquet.reading._BATCH_ROWS", batch)
    change, message = FAULTS[fault]
    change(made[0])
    with pytest.raises(BrokenIndexError, match=rf"i\.parquet: .*{message}") as refusal:
        FORMAT.read(made[0], RECORDS)
    assert "\n" not in str(refusal.value)


def test_many_rows_of_little_room_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = str(tmp_path / "bomb.parquet")
    rows, matrices = table(["a.jpg"])
    one = pyarrow.parquet.read_table(written(tmp_path / "one.parquet", rows, matrices))
    many = one.take(pyarrow.array(np.zeros(1_000_000, np.int64)))
    pyarrow.parquet.write_table(many, path, compression="zstd")
    with pytest.raises(BrokenIndexError, match="more values than there can be"):
        FORMAT.read(path, RECORDS)


def test_a_column_that_is_nested_deeply_is_refused(made: Made) -> None:
    kind = pyarrow.int8()
    for _ in range(60):
        kind = pyarrow.struct([("a", kind)])
    path, _, _ = made
    whole = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(whole.append_column("deep", pyarrow.nulls(5, kind)), path)
    with pytest.raises(BrokenIndexError, match="column deep: the type is struct"):
        FORMAT.read(path, RECORDS)


def test_any_table_is_told_to_be_no_index(tmp_path: Path) -> None:
    path = tmp_path / "i.parquet"
    pandas.DataFrame({"path": ["a"], "price": [1]}).to_parquet(path)
    with pytest.raises(BrokenIndexError, match="not an index: it has no column 'bytes'"):
        FORMAT.check_header(str(path))
