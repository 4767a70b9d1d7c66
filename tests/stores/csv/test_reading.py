"""CSV text: round trips, and other programs' view of it."""

from __future__ import annotations

import base64
import csv
import io
import os
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.core.errors import BrokenIndexError
from cbir.stores.csv.reading import read_csv
from cbir.stores.csv.writing import write_csv
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import FILE_DTYPE, Rows
from cbir.stores.paths import PathList
from cbir.stores.single_file.hashed_file import HashedFile

VECTOR = DescriptorEntry("v", "v", 1, {}, "f1", "global", 3, 3, "|u1")
COUNTS = DescriptorEntry("c", "c", 1, {}, "f2", "local", 2, 2, "<u2")
FLOATS = DescriptorEntry("f", "f", 1, {}, "f3", "global", 2, 2, "<f4")
HASH = DescriptorEntry("h", "h", 1, {}, "f4", "hash", 64, 8, "|u1")
RATED = DescriptorEntry("r", "r", 1, {}, "f5", "hash", 64, 9, "|u1")
RECORDS = (VECTOR, COUNTS, FLOATS, HASH, RATED)

AWKWARD = [
    "a,b.jpg", 'quo"te.jpg', "new\nline.jpg", "car\rriage.jpg", " space .jpg", "-dash.jpg", "=1+1",
    "NA", "nan", "null", "None", "1", "1e5", "True", "inf", "ünï/cödé.jpg", "日本.jpg", "a/b.jpg",
    "@a.jpg", "\\back.jpg", "'", '"', "#N/A", os.fsdecode(b"bad\xff\xfe.jpg"), "tab\t", "TRUE", "T",
]  # fmt: skip


def table(paths: list[str], metadata: dict[str, list[str]] | None = None) -> tuple[Rows, dict]:
    paths = sorted(set(paths), key=os.fsencode)
    rng = np.random.default_rng(len(paths))
    n = len(paths)
    facts = np.zeros(n, FILE_DTYPE)
    for name in ("bytes", "mtime", "width", "height"):
        facts[name] = rng.integers(1, 2**30, n)
    facts["sha256"] = np.frombuffer(rng.bytes(32 * n), "V32")
    matrices = {
        "v": rng.integers(0, 256, (n, 3)).astype(np.uint8),
        "c": rng.integers(0, 65536, (n, 2)).astype(np.uint16),
        "f": rng.standard_normal((n, 2)).astype(np.float32),
        "h": rng.integers(0, 256, (n, 8)).astype(np.uint8),
        "r": np.column_stack([rng.integers(0, 256, (n, 8)), rng.integers(0, 101, n)]).astype("u1"),
    }
    columns = {name: MetadataColumn.of(cells) for name, cells in (metadata or {}).items()}
    return Rows(PathList.of(paths), facts, columns), matrices


def csv_text(rows: Rows, matrices: dict) -> bytes:
    raw = io.BytesIO()
    write_csv(HashedFile(raw), rows, RECORDS, matrices)
    return raw.getvalue()


def written(path: Path, rows: Rows, matrices: dict) -> Path:
    path.write_bytes(csv_text(rows, matrices))
    return path


def assert_same(rows: Rows, matrices: dict, back: tuple[Rows, dict]) -> None:
    assert list(back[0].paths) == list(rows.paths)
    assert (back[0].facts == rows.facts).all()
    assert back[0].metadata == rows.metadata
    for alias, matrix in matrices.items():
        assert back[1][alias].dtype == matrix.dtype
        assert np.array_equal(back[1][alias], matrix)


NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: b"\0" not in name and b"/" not in name and name not in (b".", b"..")
)


@given(st.lists(NAMES.map(os.fsdecode) | st.sampled_from(AWKWARD), min_size=1, max_size=8))
def test_any_file_name_and_number_survives(tmp_path_factory: object, paths: list[str]) -> None:
    folder = tmp_path_factory.mktemp("csv")  # type: ignore[attr-defined]
    rows, matrices = table(paths)
    assert_same(rows, matrices, read_csv(written(folder / "i.csv", rows, matrices), RECORDS))


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2))
def test_own_columns_survive_as_text(tmp_path_factory: object, cells: list[str]) -> None:
    folder = tmp_path_factory.mktemp("csv")  # type: ignore[attr-defined]
    rows, matrices = table([f"{i}.jpg" for i in range(len(cells))], {"my, note": cells})
    assert_same(rows, matrices, read_csv(written(folder / "i.csv", rows, matrices), RECORDS))


def test_pandas_reads_it_without_options(tmp_path: Path) -> None:
    rows, matrices = table(AWKWARD)
    frame = pandas.read_csv(written(tmp_path / "i.csv", rows, matrices))
    assert frame["path"].notna().all()
    names = [name for name in frame["path"].str.removeprefix("./") if "\ufffd" not in name]
    assert names == [path for path in rows.paths if "bad" not in path]
    assert frame["path_base64"].notna().sum() == 1
    assert np.array_equal(frame[["v_0", "v_1", "v_2"]].to_numpy(), matrices["v"])
    assert frame["h"].str.startswith("h").all()
    assert frame["r"].tolist() == ["h" + row[:8].tobytes().hex() for row in matrices["r"]]
    assert frame["r_quality"].tolist() == matrices["r"][:, 8].tolist()
    assert frame[["bytes", "mtime", "width", "height"]].dtypes.eq("int64").all()


def test_no_cell_of_a_path_is_a_formula(tmp_path: Path) -> None:
    names = ["=1+1.jpg", "@cell.jpg", "+1.jpg", "-1.jpg", "a=1.jpg", os.fsdecode(b"=\xff.jpg")]
    rows, matrices = table(names)
    path = written(tmp_path / "i.csv", rows, matrices)
    with open(path, encoding="utf-8", newline="") as file:
        cells = [row["path"] for row in csv.DictReader(file)]
    assert cells == [
        "./+1.jpg",
        "./-1.jpg",
        "./=1+1.jpg",
        "./=\ufffd.jpg",
        "./@cell.jpg",
        "a=1.jpg",
    ]
    assert_same(rows, matrices, read_csv(path, RECORDS))


def test_the_base64_column_is_there_only_when_a_name_needs_it(tmp_path: Path) -> None:
    text = written(tmp_path / "i.csv", *table(["ä.jpg"])).read_text(encoding="utf-8")
    assert "path_base64" not in text
    text = written(tmp_path / "i.csv", *table([os.fsdecode(b"\xff")])).read_text(encoding="utf-8")
    assert "path_base64" in text


def test_it_is_rfc_4180_for_the_csv_module(tmp_path: Path) -> None:
    rows, matrices = table(AWKWARD)
    text = written(tmp_path / "i.csv", rows, matrices).read_bytes().decode()
    parsed = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len(parsed) == len(rows) + 1
    assert {len(cells) for cells in parsed} == {len(parsed[0])}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_rows_may_be_deleted_and_reordered_by_hand(tmp_path: Path) -> None:
    rows, matrices = table(["a.jpg", "b.jpg", "c.jpg"])
    path = written(tmp_path / "i.csv", rows, matrices)
    header, _, b, c = path.read_text().splitlines()
    path.write_text("\r\n".join([header, c, b]) + "\r\n")
    back, vectors = read_csv(path, RECORDS)
    assert list(back.paths) == ["b.jpg", "c.jpg"]
    assert np.array_equal(vectors["v"], matrices["v"][1:])


def test_columns_may_be_added_and_moved_by_hand(tmp_path: Path) -> None:
    rows, matrices = table(["a.jpg", "b.jpg"])
    path = written(tmp_path / "i.csv", rows, matrices)
    frame = pandas.read_csv(path, dtype=str)
    frame.insert(0, "rating", ["5", "x y"])
    frame.to_csv(path, index=False)
    back = read_csv(path, RECORDS)
    assert back[0].metadata["rating"].texts() == ["5", "x y"]
    assert np.array_equal(back[1]["f"], matrices["f"])


def test_a_comma_in_a_note_that_is_not_quoted_costs_no_row_its_last_cell(tmp_path: Path) -> None:
    path = written(tmp_path / "i.csv", *table(["a.jpg", "b.jpg"]))
    head, *lines = path.read_text().splitlines()
    for notes in (["sunny, on the roof", "x"], ["one,two", "one,two"]):
        texts = [f"{line},{note}" for line, note in zip(lines, notes, strict=True)]
        path.write_text("\n".join([f"{head},note", *texts]) + "\n")
        with pytest.raises(BrokenIndexError, match="line 2 has 18 cells, not 17"):
            read_csv(path, RECORDS)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("b.jpg,", "b.jpg,x", "line 3, column bytes: 'x"),
        ("b.jpg,", "b.jpg,,", "line 3 has 17 cells, not 16"),
        ("a.jpg,", "a.jpg,,", "line 2 has 17 cells, not 16"),
        ("b.jpg,", "a.jpg,", "two rows have the path 'a.jpg'"),
        ("v_1", "v_9", "the column 'v_1' is missing"),
        ("v_1", "v_0", "two columns are called 'v_0'"),
        ("r_quality", "quality", "the column 'r_quality' is missing"),
        ("bytes", "size", "no column 'bytes'"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = written(tmp_path / "i.csv", *table(["a.jpg", "b.jpg"]))
    edit(path, old, new)
    with pytest.raises(BrokenIndexError, match=message):
        read_csv(path, RECORDS)


@pytest.mark.parametrize("cell", ["x", "256", "-1", "1.5", ""])
def test_a_cell_that_is_no_value_of_its_column_is_named(tmp_path: Path, cell: str) -> None:
    rows, matrices = table(["a.jpg", "b.jpg"])
    path = written(tmp_path / "i.csv", rows, matrices)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[2][lines[0].index("v_1")] = cell
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    with pytest.raises(BrokenIndexError, match=f"line 3, column v_1: '{cell}' is not a value"):
        read_csv(path, RECORDS)


@pytest.mark.parametrize("cell", ["x", "101", "-1", "5.5", ""])
def test_a_quality_that_is_none_is_named(tmp_path: Path, cell: str) -> None:
    rows, matrices = table(["a.jpg", "b.jpg"])
    path = written(tmp_path / "i.csv", rows, matrices)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[2][lines[0].index("r_quality")] = cell
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    with pytest.raises(BrokenIndexError, match=f"line 3, column r_quality: '{cell}' is not a val"):
        read_csv(path, RECORDS)


def test_the_quality_stands_behind_the_bits(tmp_path: Path) -> None:
    text = written(tmp_path / "i.csv", *table(["a.jpg"])).read_text()
    assert text.splitlines()[0].endswith(",h,r,r_quality")
    assert HASH.columns == ["h"] and RATED.columns == ["r", "r_quality"]


def test_a_damaged_hash_is_named(tmp_path: Path) -> None:
    rows, matrices = table(["a.jpg"])
    path = written(tmp_path / "i.csv", rows, matrices)
    edit(path, "h" + matrices["h"][0].tobytes().hex(), "h12")
    with pytest.raises(BrokenIndexError, match="line 2, column h: 'h12'"):
        read_csv(path, RECORDS)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_file_cut_off_in_the_middle_is_refused(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path / "i.csv", *table(["a.jpg", "b.jpg"]))
    os.truncate(path, path.stat().st_size - cut)
    with pytest.raises(BrokenIndexError, match="cut off"):
        read_csv(path, RECORDS)


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"\xff\xfe\0", b"name,age\nx,3\n", b"just text"):
        (tmp_path / "i.csv").write_bytes(data)
        with pytest.raises(BrokenIndexError, match=r"empty|not an index"):
            read_csv(tmp_path / "i.csv", RECORDS)


def test_a_byte_order_mark_and_an_unnamed_column_are_no_harm(tmp_path: Path) -> None:
    """What a spreadsheet writes, and pandas without index=False."""
    rows, matrices = table(["a.jpg", "b.jpg"])
    path = written(tmp_path / "i.csv", rows, matrices)
    pandas.read_csv(path).to_csv(path, encoding="utf-8-sig")
    (back, vectors) = read_csv(path, RECORDS)
    assert list(back.paths) == ["a.jpg", "b.jpg"]
    assert back.metadata[""].texts() == ["0", "1"]
    assert np.array_equal(vectors["v"], matrices["v"])
    again = written(tmp_path / "again.csv", back, vectors)
    assert read_csv(again, RECORDS)[0].metadata == back.metadata


def test_semicolons_are_told(tmp_path: Path) -> None:
    path = written(tmp_path / "i.csv", *table(["a.jpg"]))
    path.write_text(path.read_text().replace(",", ";"))
    with pytest.raises(BrokenIndexError, match="separated by semicolons; save it with commas"):
        read_csv(path, RECORDS)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../../etc/passwd", "leads out of the dataset"),
        ("a/../../b", "leads out of the dataset"),
        ("/etc/passwd", "not relative"),
        ("a\0b", "has a NUL"),
        ("", "is empty"),
        ("a//b", "empty part"),
        ("a/./b", "empty part"),
    ],
)
@pytest.mark.parametrize("coded", [False, True])
def test_a_path_that_is_none_of_the_dataset_is_refused_with_its_line(
    tmp_path: Path, path: str, reason: str, coded: bool
) -> None:
    rows, matrices = table(["good.jpg", os.fsdecode(b"\xff.jpg")])
    file = Path(written(tmp_path / "i.csv", rows, matrices))
    lines = file.read_text().splitlines()
    cells = lines[2].split(",")
    cells[:2] = ("x", base64.b64encode(path.encode()).decode()) if coded else (path, "")
    if coded and not path:
        return
    file.write_text("\n".join([*lines[:2], ",".join(cells)]) + "\n")
    with pytest.raises(BrokenIndexError, match=rf"i\.csv: line 3: the path .*{reason}"):
        read_csv(str(file), RECORDS)


def test_parquet_under_the_name_of_a_csv_is_told(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    pandas.DataFrame({"path": ["a"]}).to_parquet(path)
    path.write_bytes(path.read_bytes() + b"\xffPAR1")
    with pytest.raises(BrokenIndexError, match=r"but Parquet; give it a name .*\.parquet"):
        read_csv(str(path), RECORDS)


def test_two_rows_of_one_path_are_refused_with_their_lines(tmp_path: Path) -> None:
    rows, matrices = table(["a.jpg", "b.jpg", "c.jpg"])
    file = Path(written(tmp_path / "i.csv", rows, matrices))
    file.write_text(file.read_text().replace("c.jpg", "./a.jpg"))
    with pytest.raises(BrokenIndexError, match=r"'a\.jpg' \(lines 2, 4\); delete one"):
        read_csv(str(file), RECORDS)
