"""An index as Parquet: round trips, and other programs' view of it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import duckdb
import numpy as np
import pandas
import polars
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.descriptors.base import Row
from cbir.stores.csv.reading import read_csv
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import Rows
from cbir.stores.parquet.parquet_format import ParquetFormat
from cbir.stores.single_file.hashed_file import HashedFile, content_of
from tests.stores.csv.test_reading import AWKWARD, NAMES, RECORDS, assert_same, csv_text, table

FORMAT = ParquetFormat()
READABLE = [name for name in AWKWARD if "bad" not in name]
COUNT = DescriptorEntry("asmk", "asmk", 1, {}, "f6", "features", 1, 1, "<u2")


def written(
    path: Path,
    rows: Rows,
    matrices: dict[str, Row],
    entries: tuple[DescriptorEntry, ...] = RECORDS,
) -> str:
    with open(path, "wb") as raw:
        file = HashedFile(raw)
        FORMAT.write(file, rows, entries, matrices)
    assert file.content == content_of(path)
    return str(path)


@given(st.lists(NAMES.map(os.fsdecode) | st.sampled_from(AWKWARD), min_size=1, max_size=8))
def test_any_file_name_and_number_survives(tmp_path_factory: object, paths: list[str]) -> None:
    folder = tmp_path_factory.mktemp("parquet")  # type: ignore[attr-defined]
    rows, matrices = table(paths)
    path = written(folder / "i.parquet", rows, matrices)
    assert_same(rows, matrices, FORMAT.read(path, RECORDS))


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)


@given(st.lists(st.tuples(NAMES.map(os.fsdecode), CELLS, CELLS), min_size=1, max_size=9))
def test_from_csv_to_parquet_and_back_not_a_byte_changes(
    tmp_path_factory: object, lines: list[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("both")  # type: ignore[attr-defined]
    known = dict(zip([path for path, _, _ in lines], lines, strict=True))
    paths = sorted(known, key=os.fsencode)
    columns = {name: [known[path][i] for path in paths] for i, name in ((1, "a"), (2, "b.list.x"))}
    before = csv_text(table(paths, columns)[0], table(paths)[1])
    (folder / "i.csv").write_bytes(before)
    rows, matrices = read_csv(str(folder / "i.csv"), RECORDS)
    path = written(folder / "i.parquet", rows, matrices)
    back = FORMAT.read(path, RECORDS)
    assert csv_text(*back) == before


@pytest.mark.parametrize("dtype", ["|i1", "|u1", "<i2", "<u4", "<i8", "<f4", "<f8"])
def test_numbers_of_all_types_survive_with_their_ends(tmp_path: Path, dtype: str) -> None:
    entry = DescriptorEntry("v", "v", 1, {}, "f", "global", 2, 2, dtype)
    limits = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    matrix = np.array([[limits.min, limits.max], [0, 1]], dtype)
    rows, _ = table(["a", "b"])
    path = written(tmp_path / "i.parquet", rows, {"v": matrix}, (entry,))
    back = FORMAT.read(path, (entry,))[1]["v"]
    assert back.dtype == matrix.dtype and np.array_equal(back, matrix)


def test_counts_of_local_features_are_one_column(tmp_path: Path) -> None:
    rows, _ = table(["a", "b"])
    matrix = np.array([[7], [65535]], np.uint16)
    path = written(tmp_path / "i.parquet", rows, {"asmk": matrix}, (COUNT,))
    assert pandas.read_parquet(path)["asmk_features"].tolist() == [7, 65535]
    assert np.array_equal(FORMAT.read(path, (COUNT,))[1]["asmk"], matrix)


def test_several_groups_of_rows_are_read_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cbir.stores.parquet.writing._GROUP_ROWS", 3)
    monkeypatch.setattr("cbir.stores.parquet.reading._BATCH_ROWS", 2)
    names = [f"{number:02}.jpg" for number in range(11)]
    rows, matrices = table(names, {"mine": [str(number % 4) for number in range(11)]})
    path = written(tmp_path / "i.parquet", rows, matrices)
    assert pyarrow.parquet.read_metadata(path).num_row_groups == 4
    assert_same(rows, matrices, FORMAT.read(path, RECORDS))


def test_no_row_is_an_index_too(tmp_path: Path) -> None:
    rows, matrices = table([])
    path = written(tmp_path / "i.parquet", rows, matrices)
    assert_same(rows, matrices, FORMAT.read(path, RECORDS))


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    rows, matrices = table(READABLE, {"mine": READABLE})
    one, other = (written(tmp_path / name, rows, matrices) for name in ("a", "b"))
    assert Path(one).read_bytes() == Path(other).read_bytes()


@pytest.fixture
def shown(tmp_path: Path) -> tuple[str, Rows, dict[str, Row]]:
    """A file, and what is in it."""
    rows, matrices = table(READABLE, {"mine": READABLE[::-1]})
    return written(tmp_path / "i.parquet", rows, matrices), rows, matrices


def test_pandas_reads_it_without_options(shown: tuple[str, Rows, dict[str, Row]]) -> None:
    path, rows, matrices = shown
    frame = pandas.read_parquet(path)
    assert frame["path"].tolist() == list(rows.paths)
    for alias in "vcf":
        assert np.array_equal(np.stack(frame[alias]), matrices[alias])
    assert frame["h"].tolist() == [row.tobytes() for row in matrices["h"]]
    assert frame["r_quality"].tolist() == matrices["r"][:, 8].tolist()
    assert frame["mtime"].tolist() == rows.facts["mtime"].tolist()
    assert [one.hex() for one in frame["sha256"]] == [
        one.tobytes().hex() for one in rows.facts["sha256"]
    ]
    assert frame["mine"].tolist() == rows.metadata["mine"].texts()
    assert "path_base64" not in frame


def test_polars_reads_vectors_as_arrays(shown: tuple[str, Rows, dict[str, Row]]) -> None:
    path, rows, matrices = shown
    frame = polars.read_parquet(path)
    assert frame["path"].to_list() == list(rows.paths)
    assert frame.schema["v"] == polars.Array(polars.UInt8, 3)
    for alias in "vcf":
        numbers = frame[alias].to_numpy()
        assert numbers.dtype == matrices[alias].dtype and np.array_equal(numbers, matrices[alias])
    assert frame["r"].to_list() == [row[:8].tobytes() for row in matrices["r"]]


def test_duckdb_computes_with_its_vectors(shown: tuple[str, Rows, dict[str, Row]]) -> None:
    path, rows, matrices = shown
    found = duckdb.sql(
        f"SELECT path, list_sum(v), f[2], hex(h), r_quality FROM '{path}'"
    ).fetchall()
    expected = zip(
        rows.paths,
        matrices["v"].sum(axis=1).tolist(),
        matrices["f"][:, 1].tolist(),
        [row.tobytes().hex().upper() for row in matrices["h"]],
        matrices["r"][:, 8].tolist(),
        strict=True,
    )
    assert found == list(expected)


def test_what_stands_in_a_column_is_said_in_the_file(
    shown: tuple[str, Rows, dict[str, Row]],
) -> None:
    schema = pyarrow.parquet.read_schema(shown[0])
    assert schema.field("mtime").metadata[b"description"].startswith(b"time of the last change")
    assert schema.field("v").metadata[b"description"] == b"v, version 1"


def test_a_name_that_is_not_utf_8_has_its_bytes_in_a_column(tmp_path: Path) -> None:
    rows, matrices = table(["a.jpg", os.fsdecode(b"\xff.jpg")])
    frame = pandas.read_parquet(written(tmp_path / "i.parquet", rows, matrices))
    assert frame["path_base64"].isna().tolist() == [True, False]
    assert frame["path_base64"][1] == "/y5qcGc="


def test_what_is_written_goes_through_a_file_that_only_grows() -> None:
    rows, matrices = table(["a"])
    raw = io.BytesIO()
    FORMAT.write(HashedFile(raw), rows, RECORDS, matrices)
    assert raw.getvalue()[:4] == raw.getvalue()[-4:] == b"PAR1"
