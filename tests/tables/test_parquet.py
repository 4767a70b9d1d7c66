"""Tables in Parquet files."""

from __future__ import annotations

import datetime
import json
import sys
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbir.core.errors import CbirError
from cbir.tables import model, parquet
from cbir.tables.model import Wanted
from cbir.tables.reading import read_table
from tests.tables.helpers import all_columns


def written(path: Path, columns: dict[str, Any], **options: Any) -> str:
    pq.write_table(pa.table(columns), path, **options)
    return str(path)


def test_each_type_has_its_text(tmp_path: Path) -> None:
    columns = {
        "id": pa.array([1163, None], pa.int64()),
        "text": ["ä, b", ""],
        "kind": pa.array(["cat", None]).dictionary_encode(),
        "ok": [True, False],
        "price": pa.array([Decimal("1.10"), None], pa.decimal128(10, 2)),
        "short": pa.array([0.1, None], pa.float32()),
        "double": [0.1, float("nan")],
        "day": [datetime.date(2024, 2, 29), None],
        "moment": pa.array([1_700_000_000_000_000_001, None], pa.timestamp("ns")),
        "list.of": [["a", "b"], None],
        "record": [{"x": 1, "y": None}, None],
    }
    table = read_table(written(tmp_path / "x.parquet", columns), all_columns)
    assert {name: tuple(cells) for name, cells in table.columns.items()} == {
        "id": ("1163", ""),
        "text": ("ä, b", ""),
        "kind": ("cat", ""),
        "ok": ("true", "false"),
        "price": ("1.10", ""),
        "short": ("0.1", ""),
        "double": ("0.1", ""),
        "day": ("2024-02-29", ""),
        "moment": ("2023-11-14T22:13:20.000000001", ""),
        "list.of": ('["a", "b"]', ""),
        "record": ('{"x": 1, "y": null}', ""),
    }


@pytest.mark.parametrize("name", ["x.parquet", "x.csv"])
def test_many_rows_are_those_that_others_read(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(5)
    frame = pandas.DataFrame(
        {
            "file": [f"{number}.jpg" for number in range(12_345)],
            "number": rng.integers(-(2**62), 2**62, 12_345),
            "share": rng.random(12_345),
            "kind": rng.choice(["cat", "dog", ""], 12_345),
        }
    )
    path = tmp_path / name
    frame.to_parquet(path, row_group_size=4000)
    table = read_table(str(path), lambda _: Wanted(["kind", "share", "number", "file"]))
    query = f"SELECT kind, share, number::VARCHAR, file FROM read_parquet('{path}')"
    rows = duckdb.sql(query).fetchall()
    kinds, shares, numbers, files = map(list, zip(*rows, strict=True))
    assert table.columns["kind"] == kinds and table.columns["file"] == files
    assert table.columns["number"] == numbers
    assert list(map(float, table.columns["share"])) == shares


def test_what_is_binary_is_no_key(tmp_path: Path) -> None:
    columns = {"id": [1], "thumb": [b"\xff"], "image": [{"bytes": b"\xff"}]}
    path = written(tmp_path / "x.parquet", columns)
    with pytest.raises(CbirError, match="row 1, column thumb: a binary value"):
        read_table(path, all_columns)
    assert list(read_table(path, lambda header: Wanted(["id"], header)).columns) == ["id"]


def test_a_table_too_large_is_refused_by_its_footer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "x.parquet", {"a": pa.array(["x"] * 100_000).dictionary_encode()})
    assert Path(path).stat().st_size < 2000
    monkeypatch.setattr(parquet, "MAX_CELLS", 99_999)
    monkeypatch.setattr(parquet, "_values", None)
    with pytest.raises(CbirError, match=r"x\.parquet: the table is too large"):
        read_table(path, all_columns)


def test_one_long_text_in_all_rows_is_not_unpacked(tmp_path: Path) -> None:
    text = "x" * (4 * model.MAX_CELL + 1)
    path = written(tmp_path / "x.parquet", {"a": pa.array([text] * 5000).dictionary_encode()})
    with pytest.raises(CbirError, match="row 1, column a: more than 131,072 characters"):
        read_table(path, all_columns)


def test_nested_values_too_many_are_refused_by_the_footer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = pa.array(np.zeros(model.MAX_CELLS + 1, np.int8))
    columns = {"id": ["a"], "deep": pa.ListArray.from_arrays([0, len(values)], values)}
    path = written(tmp_path / "x.parquet", columns, compression="zstd")
    assert Path(path).stat().st_size < 2000
    monkeypatch.setattr(parquet, "_values", lambda *_: iter([[["a"]]]))
    with pytest.raises(CbirError, match=r"x\.parquet: the table is too large"):
        read_table(path, all_columns)
    assert read_table(path, lambda header: Wanted(["id"], header)).columns == {"id": ["a"]}


@pytest.mark.parametrize("kind", ["struct", "list", "map", "fixed"])
def test_a_long_nested_value_is_refused_and_not_unpacked(tmp_path: Path, kind: str) -> None:
    count, text = 500, "x" * 10_000_000
    texts = pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([text]))
    offsets = np.arange(count + 1, dtype=np.int32)
    values = {
        "struct": lambda: pa.StructArray.from_arrays([texts], ["s"]),
        "list": lambda: pa.ListArray.from_arrays(offsets, texts),
        "map": lambda: pa.MapArray.from_arrays(offsets, texts, texts),
        "fixed": lambda: pa.FixedSizeListArray.from_arrays(texts, 1),
    }[kind]()
    path = written(tmp_path / "x.parquet", {"a": values}, compression="zstd", store_schema=False)
    assert Path(path).stat().st_size < 5000
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    with pytest.raises(CbirError, match="row 1, column a: more than 131,072 characters"):
        read_table(path, all_columns)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e7 and pa.total_allocated_bytes() - before < 1e8


def test_many_nested_values_are_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_PIECE", 1000)
    rows = [[{"a": "ä" * (row % 9), "b": row}] * (row % 7) or None for row in range(3000)]
    table = read_table(written(tmp_path / "x.parquet", {"a": rows}), all_columns)
    assert [json.loads(cell or "null") for cell in table.columns["a"]] == rows


@pytest.mark.parametrize("cut", [4, 100, 400])
def test_a_damaged_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.parquet"
    written(path, {"a": [f"text {number}" for number in range(1000)]})
    data = bytearray(path.read_bytes())
    for damaged in (data[:-cut], data[:cut] + bytes(50) + data[cut + 50 :]):
        path.write_bytes(damaged)
        with pytest.raises(CbirError, match=r"x\.parquet: this Parquet file cannot be read"):
            read_table(str(path), all_columns)


def test_without_pyarrow_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "x.parquet", {"a": [1]})
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CbirError, match=r"pyarrow; install it: pip install 'cbir\[parquet\]'"):
        read_table(path, all_columns)
