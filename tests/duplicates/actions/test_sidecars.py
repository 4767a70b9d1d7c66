"""Sidecars are named, stay by default, and go with their image when asked."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cbir.core.errors import UsageError
from cbir.duplicates.actions import act, read_log, undo
from cbir.duplicates.actions.sidecars import Folder
from tests.duplicates.actions.helpers import planned, removal, tree, write


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def shoot(root: Path) -> Path:
    """A kept image and a copy, which has all kinds of companions."""
    write(root, "a.jpg")
    write(root, "x/B.jpg")
    for name in ("b.XMP", "B.jpg.json", "B.mov", "B.cr2.xmp", "B2.xmp", "B.doc"):
        write(root, f"x/{name}", name.encode(), mtime=7)
    return root


def test_they_are_named_and_stay(shoot: Path) -> None:
    write(shoot, "x/B.cr2")
    made = planned(shoot, "move", removal(shoot, "a.jpg", "x/B.jpg"))
    assert made.lines()[1:] == [
        "stays  x/B.cr2   (goes with x/B.jpg; raw images never go with a copy)",
        "stays  x/B.jpg.json   (goes with x/B.jpg; sidecars=True takes it along)",
        "stays  x/B.mov   (goes with x/B.jpg; so it does with B.cr2, which stays)",
        "stays  x/b.XMP   (goes with x/B.jpg; so it does with B.cr2, which stays)",
    ]
    assert not made.steps[0].sidecars
    links = planned(shoot, "hardlink", removal(shoot, "a.jpg", "x/B.jpg"))
    assert len(links.lines()) == 1


def test_they_move_along_under_the_name_of_their_image_and_back(
    shoot: Path, tmp_path: Path
) -> None:
    before = tree(shoot)
    write(tmp_path, "moved/x/B.jpg", b"mine")
    made = planned(shoot, "move", removal(shoot, "a.jpg", "x/B.jpg"), sidecars=True)
    assert f"move  x/b.XMP -> {tmp_path}/moved/x/b.XMP   (goes with x/B.jpg)" in made.lines()
    report = act(made, str(tmp_path / "log"))
    assert len(report.done) == 1 and len(report.sidecars) == 3
    moved = ["B (2).XMP", "B (2).jpg", "B (2).jpg.json", "B (2).mov", "B.jpg"]
    assert sorted(os.listdir(tmp_path / "moved" / "x")) == moved
    assert sorted(os.listdir(shoot / "x")) == ["B.cr2.xmp", "B.doc", "B2.xmp"]
    assert len(undo(report.log).undone) == 4 and tree(shoot) == before
    assert os.listdir(tmp_path / "moved" / "x") == ["B.jpg"]


def test_they_go_to_the_trash_and_back(shoot: Path, tmp_path: Path, monkeypatch: Any) -> None:
    for name in [name for name in sys.modules if name.startswith("send2trash")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    before = tree(shoot)
    made = planned(shoot, "delete", removal(shoot, "a.jpg", "x/B.jpg"), sidecars=True)
    report = act(made, str(tmp_path / "log"))
    assert len(report.sidecars) == 3 and report.bytes_freed == 0
    assert "B.mov" in os.listdir(tmp_path / "share" / "Trash" / "files")
    assert len(undo(report.log).undone) == 4 and tree(shoot) == before


def test_one_that_another_image_has_too_goes_with_the_last_of_them(root: Path) -> None:
    for name in ("k.jpg", "b.jpg", "b.png"):
        write(root, name)
    write(root, "b.xmp", b"notes")
    one, both = removal(root, "k.jpg", "b.jpg"), removal(root, "k.jpg", "b.png")
    made = planned(root, "move", one, sidecars=True)
    assert made.lines()[1] == "stays  b.xmp   (goes with b.jpg; so it does with b.png, which stays)"
    made = planned(root, "move", one, both, sidecars=True)
    assert [len(step.sidecars) for step in made.steps] == [0, 1]
    (root / "b.png").write_bytes(b"else")
    report = act(made, str(root.parent / "log"))
    assert len(report.done) == 1 and not report.sidecars and (root / "b.xmp").exists()


def test_one_stays_when_another_image_came_since_the_plan(root: Path) -> None:
    for name in ("k.jpg", "b.jpg"):
        write(root, name)
    write(root, "b.xmp", b"notes")
    made = planned(root, "move", removal(root, "k.jpg", "b.jpg"), sidecars=True)
    write(root, "b.png")
    report = act(made, str(root.parent / "log"))
    assert len(report.done) == 1 and [told.path for told in report.skipped] == ["b.xmp"]
    assert (root / "b.xmp").exists()


@pytest.mark.parametrize("word", ["supplemental-metadata", "supplemental-me", "s"])
def test_the_notes_of_a_photo_archive_go_with_their_image(root: Path, word: str) -> None:
    write(root, "a.jpg")
    write(root, "b.jpg")
    write(root, f"b.jpg.{word}.json", b"{}")
    write(root, "b.jpg.other.json", b"{}")
    made = planned(root, "move", removal(root, "a.jpg", "b.jpg"), sidecars=True)
    assert made.steps[0].sidecars == (str(root / f"b.jpg.{word}.json"),)


@pytest.mark.parametrize("other", ["psd", "exr", "svg", "mkv", "nef"])
def test_one_stays_with_an_image_or_film_that_is_not_read(root: Path, other: str) -> None:
    write(root, "a.jpg")
    write(root, "b.jpg")
    write(root, f"b.{other}", b"other")
    write(root, "b.xmp", b"edits")
    made = planned(root, "move", removal(root, "a.jpg", "b.jpg"), sidecars=True)
    assert (
        f"stays  b.xmp   (goes with b.jpg; so it does with b.{other}, which stays)" in made.lines()
    )
    assert not made.steps[0].sidecars


def test_one_stays_when_its_image_stays(shoot: Path, tmp_path: Path) -> None:
    made = planned(shoot, "move", removal(shoot, "a.jpg", "x/B.jpg"), sidecars=True)
    write(shoot, "a.jpg", b"else")
    report = act(made, str(tmp_path / "log"))
    assert not report.done and not report.sidecars and (shoot / "x" / "B.mov").exists()


def test_a_link_or_a_folder_is_no_sidecar_to_be_moved(root: Path, tmp_path: Path) -> None:
    for name in ("k.jpg", "b.jpg"):
        write(root, name)
    (root / "b.xmp").symlink_to(write(tmp_path, "elsewhere", b"mine"))
    (root / "b.mov").mkdir()
    made = planned(root, "move", removal(root, "k.jpg", "b.jpg"), sidecars=True)
    report = act(made, str(tmp_path / "log"))
    assert len(report.done) == 1 and not report.sidecars and len(report.skipped) == 2
    assert (root / "b.xmp").is_symlink() and (root / "b.mov").is_dir()


def test_nothing_that_holds_what_is_nowhere_else_goes_for_good(root: Path) -> None:
    for action, for_good in (("delete", True), ("hardlink", False), ("symlink", False)):
        with pytest.raises(UsageError, match="sidecars go with"):
            planned(root, action, permanently=for_good, sidecars=True)  # type: ignore[arg-type]


def test_names_are_compared_without_case_and_by_stem(root: Path) -> None:
    for name in ("IMG.1.JPG", "img.1.xmp", "IMG.1.jpg.xmp", "img.xmp", "IMG.1.txt", ".img.1.xmp"):
        write(root, name)
    found = Folder(str(root)).sidecars("IMG.1.JPG")
    assert found == {"IMG.1.jpg.xmp": [], "IMG.1.txt": [], "img.1.xmp": []}


def test_a_log_tells_of_them(shoot: Path, tmp_path: Path) -> None:
    made = planned(shoot, "move", removal(shoot, "a.jpg", "x/B.jpg"), sidecars=True)
    act(made, str(tmp_path / "log"))
    steps = read_log(str(tmp_path / "log"))
    assert [step.intent is not None and step.intent.companion for step in steps] == [
        False, True, True, True,
    ]  # fmt: skip
    assert len(names(tmp_path / "moved")) == 4
