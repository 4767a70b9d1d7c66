"""Columns of a table in the index: which images they are for, and what becomes of them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.core.progress import ProgressListener
from tests.conftest import DATA

TABLE = "id,kind,price\ncat-1,pet,1.50\ncat-2,pet,\nkite-1,toy,007\ngone-1,none,3\n"


class Listener(ProgressListener):
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def index(tmp_path: Path) -> str:
    return str(tmp_path / "index.csv")


@pytest.fixture
def table(tmp_path: Path) -> str:
    return file_of(tmp_path, TABLE)


def file_of(folder: Path, text: str) -> str:
    path = folder / "products.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def frame_of(index: str) -> pandas.DataFrame:
    return pandas.read_csv(index, dtype=str, keep_default_na=False).set_index("path")


def cells(index: str, column: str) -> dict[str, str]:
    """What a column says of the images of which it says something."""
    texts: dict[str, str] = frame_of(index)[column].to_dict()
    return {path: text for path, text in texts.items() if text}


def test_the_key_is_found_and_all_other_columns_are_joined(
    photos: Path, index: str, table: str
) -> None:
    report = cbir.index(str(photos), index, metadata=table).metadata
    assert report is not None
    assert (report.source, report.key, report.columns) == (table, "id", ("kind", "price"))
    assert (report.form, report.images) == ("their names without the ending", 3)
    assert report.rows_without_image == ("gone-1",)
    assert len(report.images_without_row) == 9 and "cats/cat-3.jpg" in report.images_without_row
    assert cells(index, "kind") == {
        "cats/cat-1.jpg": "pet",
        "cats/cat-2.jpg": "pet",
        "things/kite-1.jpg": "toy",
    }
    assert cells(index, "price") == {"cats/cat-1.jpg": "1.50", "things/kite-1.jpg": "007"}
    assert cbir.index(str(photos), index).metadata is None


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "sqlite"])
def test_every_kind_of_table_gives_the_same_index(
    photos: Path, index: str, tmp_path: Path, kind: str
) -> None:
    files = [f"cats/cat-{number}.jpg" for number in (1, 2, 3)]
    frame = pandas.DataFrame(
        {
            "file": files,
            "name": ["a, b", 'ö"', ""],
            "count": pandas.array([7, None, -1], "Int64"),
        }
    )
    path = tmp_path / f"table.{kind}"
    if kind == "sqlite":
        with closing(sqlite3.connect(path)) as database:
            frame.to_sql("t", database, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    cbir.index(str(photos), index, metadata=path)  # type: ignore[arg-type]
    assert cells(index, "name") == dict(zip(files[:2], ["a, b", 'ö"'], strict=True))
    assert cells(index, "count") == {files[0]: "7", files[2]: "-1"}


def test_columns_are_chosen_and_renamed(photos: Path, index: str, table: str) -> None:
    report = cbir.index(
        str(photos), index, metadata=table, key="id", columns=["cost=price", "id"]
    ).metadata
    assert report is not None and report.columns == ("cost", "id")
    frame = frame_of(index)
    assert list(frame.columns[-2:]) == ["cost", "id"]
    assert cells(index, "cost") == {"cats/cat-1.jpg": "1.50", "things/kite-1.jpg": "007"}
    assert "kind" not in frame


def test_joining_again_replaces_and_describes_nothing_again(
    photos: Path, index: str, tmp_path: Path, table: str
) -> None:
    first = cbir.index(str(photos), index, metadata=table)
    assert first.described == 12
    before = Path(index).read_bytes()
    again = cbir.index(str(photos), index, metadata=table)
    assert again.described == 0 and Path(index).read_bytes() == before
    file_of(tmp_path, "id,price\ncat-1,2\ncat-3,9\nkite-1,007\n")
    listener = Listener()
    updated = cbir.index(str(photos), index, metadata=table, listener=listener)
    assert (updated.described, updated.reused) == (0, 12)
    assert cells(index, "price") == {
        "cats/cat-1.jpg": "2",
        "cats/cat-3.jpg": "9",
        "things/kite-1.jpg": "007",
    }
    assert len(cells(index, "kind")) == 3  # of the table before, which had it
    assert listener.warnings == [] and not Path(f"{index}.old").exists()


def test_what_is_joined_follows_a_renamed_image(photos: Path, index: str, table: str) -> None:
    cbir.index(str(photos), index, metadata=table)
    (photos / "cats" / "cat-1.jpg").rename(photos / "first.jpg")
    cbir.index(str(photos), index)
    assert cells(index, "price") == {"first.jpg": "1.50", "things/kite-1.jpg": "007"}


def test_a_join_is_of_the_images_that_the_index_has(photos: Path, index: str, table: str) -> None:
    (photos / "cats" / "cat-2.jpg").write_bytes(b"no image")
    (photos / "gone-1.jpg").symlink_to(DATA / "cats" / "cat-5.jpg")
    report = cbir.index(str(photos), index, metadata=table).metadata
    assert report is not None
    assert (report.images, report.rows_without_image) == (3, ("cat-2",))
    assert set(cells(index, "kind")) == {"cats/cat-1.jpg", "gone-1.jpg", "things/kite-1.jpg"}


def test_text_that_no_table_has_is_kept_aside(photos: Path, index: str, tmp_path: Path) -> None:
    cbir.index(str(photos), index)
    frame = pandas.read_csv(index, dtype=str)
    frame.assign(price="by hand", note="mine").to_csv(index, index=False)
    before = Path(index).read_bytes()
    listener = Listener()
    cbir.index(str(photos), index, metadata=file_of(tmp_path, TABLE), listener=listener)
    assert Path(f"{index}.old").read_bytes() == before
    assert "what was in the metadata columns price leaves the index" in listener.warnings[-1]
    assert f"{index}.old" in listener.warnings[-1]
    assert len(cells(index, "price")) == 2 and len(cells(index, "note")) == 12


def test_images_that_leave_with_what_the_table_tells_leave_in_silence(
    photos: Path, index: str, table: str
) -> None:
    cbir.index(str(photos), index, metadata=table)
    (photos / "cats" / "cat-1.jpg").unlink()
    listener = Listener()
    report = cbir.index(str(photos), index, metadata=table, listener=listener).metadata
    assert report is not None and report.rows_without_image == ("cat-1", "gone-1")
    assert listener.warnings == [] and not Path(f"{index}.old").exists()


def test_a_metadata_column_is_dropped_and_kept_aside(photos: Path, index: str, table: str) -> None:
    cbir.index(str(photos), index, metadata=table)
    before = Path(index).read_bytes()
    listener = Listener()
    report = cbir.index(str(photos), index, drop="kind", listener=listener)
    assert report.described == 0
    assert "kind" not in frame_of(index) and "price" in frame_of(index)
    assert Path(f"{index}.old").read_bytes() == before and len(listener.warnings) == 1
    with pytest.raises(UsageError, match="drop='kind': the index has: hsv, price"):
        cbir.index(str(photos), index, drop="kind")
    with pytest.raises(UsageError, match="hsv, price; did you mean 'price'"):
        cbir.index(str(photos), index, drop="prize")
    cbir.index(str(photos), index, ["phash"], drop=["hsv", "price"])
    assert list(frame_of(index).columns[-2:]) == ["phash", "phash_quality"]


@pytest.mark.parametrize("workers", [1, 3])
def test_the_index_does_not_depend_on_the_order_of_the_rows(
    photos: Path, index: str, tmp_path: Path, workers: int
) -> None:
    header, *rows = TABLE.splitlines()
    contents = set()
    for number, some in enumerate((rows, rows[::-1])):
        path = f"{index}{number}"
        source = file_of(tmp_path, "\n".join([header, *some, ""]))
        cbir.index(str(photos), path, metadata=source, workers=workers)
        contents.add(Path(path).read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            TABLE,
            {"key": "kid"},
            "key kid: the table has no such column; it has: id, kind, price; d",
        ),
        (TABLE, {"key": "kind"}, "the column kind names none of the images, .* it has 'pet'"),
        (TABLE, {"columns": "cost"}, "columns cost: the table has no such column"),
        (TABLE, {"columns": "a=cost"}, "columns cost: the table has no such column"),
        (TABLE, {"columns": ["kind", "kind=price"]}, "two would be called 'kind'"),
        (TABLE, {"table": "t"}, "names a table of a database"),
        (TABLE, {"columns": ["hsv_0=price"]}, "'price' cannot be joined: hsv has a column of this"),
        (TABLE, {"columns": ["width=price"]}, "'price' cannot be joined: the index has a column"),
        (TABLE, {"columns": ["a\nb=price"]}, "characters that cannot be printed"),
        (TABLE, {"columns": ["=price"]}, "a column needs a name"),
        (TABLE, {"columns": [f"{'x' * 201}=price"]}, "a name has at most 200 characters"),
        ("id,width\ncat-1,3\n", {}, "'width' cannot be joined: .*columns='other=width'"),
        ("id,,x\ncat-1,3,4\n", {}, "the column '' cannot be joined: a column needs a name"),
        ("id,x,x\ncat-1,3,4\n", {}, "2 columns are called 'x'"),
        ("id,x\n", {}, "none of its columns names the images, which are called cats/cat-1.jpg"),
        ("id,x\n", {"key": "id"}, "names none of the images, .*; there are no rows"),
        ("a,b\n1,2\n", {}, "none of its columns names the images, .*; it has: a, b"),
        ("id,x\ncat-1,1\ncat-1,2\n", {}, "lines 2 and 3 are both about cat-1, and differ"),
        ("pet,id\nx,cat-1\n", {"key": "pet"}, "it has 'x'; did you mean key='id'"),
        ("id,x\ncat-1,1,2\n", {}, "line 2 has 3 cells"),
    ],
)
def test_what_cannot_be_joined_is_refused_before_the_work(
    photos: Path, index: str, tmp_path: Path, text: str, options: dict[str, Any], message: str
) -> None:
    listener = Listener()
    with pytest.raises(CbirError, match=message):
        cbir.index(
            str(photos), index, metadata=file_of(tmp_path, text), listener=listener, **options
        )
    assert not Path(index).exists()
    if Path(f"{index}.cbir").exists():
        assert not (Path(f"{index}.cbir") / "journal").exists()


def test_names_that_may_be_two_images_are_refused(photos: Path, index: str, table: str) -> None:
    shutil.copy(photos / "cats" / "cat-1.jpg", photos / "things")
    with pytest.raises(CbirError, match=r"cat-1 may be cats/cat-1\.jpg or things/cat-1\.jpg"):
        cbir.index(str(photos), index, metadata=table)


def test_equal_rows_of_one_key_are_one(photos: Path, index: str, tmp_path: Path) -> None:
    text = "id,x,y\ncat-1,1,a\ncat-1,1,b\ngone,1,a\ngone,2,a\n"
    report = cbir.index(str(photos), index, metadata=file_of(tmp_path, text), columns="x").metadata
    assert report is not None and report.rows_without_image == ("gone", "gone")
    assert cells(index, "x") == {"cats/cat-1.jpg": "1"}


@pytest.mark.parametrize("option", [{"key": "a"}, {"table": "a"}, {"columns": "a"}])
def test_what_is_about_a_table_needs_one(photos: Path, index: str, option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="is about a table; name it with metadata"):
        cbir.index(str(photos), index, **option)


@pytest.mark.parametrize("option", [{"metadata": 5}, {"key": 5}, {"table": b"x"}, {"columns": 5}])
def test_arguments_of_a_wrong_type_are_refused(
    photos: Path, index: str, table: str, option: dict[str, Any]
) -> None:
    with pytest.raises(UsageError):
        cbir.index(str(photos), index, **{"metadata": table, **option})


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT | st.sampled_from(["NA", "=1+1", " x", "a\r\nb"]), min_size=3))
def test_any_text_comes_back_from_the_index(
    photos: Path, index: str, tmp_path: Path, texts: list[str]
) -> None:
    if not Path(index).exists():
        cbir.index(str(photos), index)
    rows = [{"id": f"cat-{number}", "text": texts[number - 1]} for number in (1, 2, 3)]
    path = tmp_path / "table.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    cbir.index(str(photos), index, metadata=str(path), workers=1)
    found = frame_of(index)["text"]
    assert [found[f"cats/cat-{number}.jpg"] for number in (1, 2, 3)] == texts[:3]
    before = Path(index).read_bytes()
    cbir.index(str(photos), index, metadata=str(path), workers=1)
    assert Path(index).read_bytes() == before
