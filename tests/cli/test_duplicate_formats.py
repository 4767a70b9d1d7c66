"""How groups and copies are printed, whatever their paths are."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.cli import output as cli_output
from cbir.cli.duplicates.formats import FORMATS, Finding, Printer
from cbir.core.errors import CbirError
from cbir.duplicates.loss import Loss
from cbir.duplicates.model import CopyMatch, Duplicate, Group, ImageRecord, QueryCopies

ODD = os.fsdecode(b"new\nline \xff, \"'.jpg")


def record(path: str, reference: bool = False) -> ImageRecord:
    return ImageRecord(path, bytes(32), 1000, 0, 40, 30, 100, reference)


def copy(path: str, distance: int = 3, reference: bool = False) -> Duplicate:
    match = CopyMatch("near", distance, f"phash {distance}/256")
    return Duplicate(record(path, reference), match)


GROUPS = [
    Group(1, record("a.jpg"), (copy("b.jpg"), copy(ODD, 7))),
    Group(2, record("ref/c.jpg", True), (copy("ref/d.jpg", 1, True), copy("e.jpg"))),
]
COPIES = [
    QueryCopies("q.jpg", (copy("b.jpg"), copy("ref/d.jpg", 5, True))),
    QueryCopies(ODD, (copy("é"),)),
]


def output(found: list[Any], *arguments: Any) -> bytes:
    """Return what a printer prints."""
    written = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli_output, "write_out", written.write)
        printer = Printer(*arguments)
        for one in found:
            printer.print(one)
        printer.finish()
    return written.getvalue()


def raw(document: dict[str, Any], name: str = "path") -> bytes:
    """Return a path as a careful reader of JSON or CSV gets it."""
    if document.get(f"{name}_base64"):
        return base64.b64decode(document[f"{name}_base64"])
    return str(document[name]).encode()


def test_text_is_like_that_of_fdupes() -> None:
    assert output(GROUPS, "text").decode() == (
        "a.jpg\nb.jpg\nnew\\nline \\xff, \"'.jpg\n\nref/c.jpg\nref/d.jpg  (reference)\ne.jpg\n"
    )
    assert output(COPIES, "text", ["q.jpg", ODD]).decode() == (
        "q.jpg\nb.jpg\nref/d.jpg  (reference)\n\nnew\\nline \\xff, \"'.jpg\né\n"
    )


def test_json_is_as_documented() -> None:
    documents = json.loads(output(GROUPS, "json"))
    first, second = documents
    assert list(first) == ["group", "keep", "duplicates", "max_distance"]
    assert first["group"] == 1 and first["keep"] == "a.jpg" and first["max_distance"] == 7
    assert first["duplicates"][0] == {
        "path": "b.jpg", "distance": 3, "level": "near", "evidence": "phash 3/256",
    }  # fmt: skip
    assert raw(first["duplicates"][1]) == os.fsencode(ODD)
    lines = output(GROUPS, "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == documents
    # Programs remove what is in `duplicates`, so no reference may be there.
    assert [one["path"] for one in second["duplicates"]] == ["e.jpg"]
    assert [one["path"] for one in second["references"]] == ["ref/d.jpg"]


def test_json_of_queries_is_as_documented() -> None:
    documents = json.loads(output(COPIES, "json", ["q.jpg", ODD]))
    assert list(documents[0]) == ["query", "matches"]
    assert documents[0]["matches"][0] == {
        "path": "b.jpg", "distance": 3, "level": "near", "evidence": "phash 3/256",
    }  # fmt: skip
    assert documents[0]["matches"][1]["reference"] is True
    assert raw(documents[1], "query") == os.fsencode(ODD)


def test_csv_has_a_row_an_image() -> None:
    rows = list(csv.DictReader(io.StringIO(output(GROUPS, "csv").decode())))
    assert [row["role"] for row in rows] == [
        "keep", "duplicate", "duplicate", "keep", "reference", "duplicate",
    ]  # fmt: skip
    assert [row["group"] for row in rows] == ["1", "1", "1", "2", "2", "2"]
    assert rows[1]["distance"] == "3" and rows[1]["evidence"] == "phash 3/256"
    assert raw(rows[2]) == os.fsencode(ODD)
    rows = list(csv.DictReader(io.StringIO(output(COPIES, "csv", ["q.jpg"]).decode())))
    assert [row["path"] for row in rows] == ["b.jpg", "ref/d.jpg", "é"]
    assert raw(rows[2], "query") == os.fsencode(ODD)


@pytest.mark.parametrize(
    ("format_", "nothing"),
    [("text", b""), ("json", b"[]\n"), ("jsonl", b""), ("paths", b""),
     ("csv", b"group,role,path,distance,level,evidence,losses,path_base64\n")],
)  # fmt: skip
def test_nothing_is_printed_as_nothing(format_: str, nothing: bytes) -> None:
    assert output([], format_) == nothing


def more(stays: bool) -> Group:
    """A copy that shows more than what is kept, and a plain one."""
    losses = (Loss("frames", "2 further frames"), Loss("area", "57 % of it is in a"))
    return Group(
        1, record("a.jpg"), (replace(copy("b.tif"), losses=losses, stays=stays), copy("c"))
    )


def test_what_shows_more_is_told_and_not_offered() -> None:
    lost = "frames: 2 further frames; area: 57 % of it is in a"
    text = output([more(True)], "text").decode()
    assert text == f"a.jpg\nb.tif  (shows more, and stays: {lost})\nc\n"
    (document,) = json.loads(output([more(True)], "json"))
    assert [one["path"] for one in document["duplicates"]] == ["c"]
    assert document["shows_more"][0]["path"] == "b.tif"
    assert document["shows_more"][0]["losses"][0] == {
        "loss": "frames", "detail": "2 further frames",
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(output([more(True)], "csv").decode())))
    assert [row["role"] for row in rows] == ["keep", "shows_more", "duplicate"]
    assert [row["losses"] for row in rows] == ["", lost, ""]
    assert output([more(True)], "paths") == b"c\n"
    copies = [QueryCopies("q.jpg", more(True).duplicates)]
    assert output(copies, "paths", ["q.jpg"]) == b"c\n"
    assert json.loads(output(copies, "json", ["q.jpg"]))[0]["matches"][0]["shows_more"] is True


def test_what_may_be_lost_is_told_and_offered() -> None:
    assert output([more(False)], "paths") == b"b.tif\nc\n"
    (document,) = json.loads(output([more(False)], "json"))
    assert [one["path"] for one in document["duplicates"]] == ["b.tif", "c"]
    assert len(document["duplicates"][0]["losses"]) == 2 and "shows_more" not in document
    assert b"b.tif  (shows more: frames: 2 further" in output([more(False)], "text")


def test_paths_are_what_could_go() -> None:
    assert output(GROUPS, "text", None, True) == b"b.jpg\0" + os.fsencode(ODD) + b"\0e.jpg\0"


def test_no_query_is_printed_as_the_copy_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.jpg").symlink_to("b.jpg")
    found = [
        QueryCopies("a.jpg", (copy("b.jpg"), copy("./a.jpg"), copy("c.jpg"))),
        QueryCopies("link.jpg", (copy("a.jpg"), copy("c.jpg"))),
    ]
    assert output(found, "paths", ["a.jpg", "link.jpg"]) == b"c.jpg\n"


def test_what_a_kept_image_links_to_is_not_removable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.jpg").symlink_to("image.jpg")
    group = Group(1, record("link.jpg"), (copy("image.jpg"), copy("other.jpg")))
    assert output([group], "paths") == b"other.jpg\n"


_paths = st.binary(min_size=1, max_size=9).filter(lambda raw: b"\0" not in raw).map(os.fsdecode)


@given(st.lists(_paths, min_size=2, max_size=4, unique=True))
def test_programs_get_every_path_back(paths: list[str]) -> None:
    keep, *others = paths
    group: Finding = Group(1, record(keep), tuple(copy(path) for path in others))
    wanted = [os.fsencode(path) for path in paths]
    document = json.loads(output([group], "jsonl"))
    assert [raw(document, "keep"), *map(raw, document["duplicates"])] == wanted
    text = output([group], "csv").decode()
    rows = [raw(row) for row in csv.DictReader(io.StringIO(text, newline=""))]
    # A cell that a spreadsheet would compute has "./" before it, and means the same file.
    assert [os.path.normpath(row) for row in rows] == [os.path.normpath(path) for path in wanted]
    for format_ in FORMATS:
        if format_ != "paths":
            assert output([group], format_).endswith(b"\n")
    if any("\n" in path for path in others):
        with pytest.raises(CbirError, match="line break"):
            output([group], "paths")
    else:
        assert output([group], "paths").endswith(b"\n")
