"""Planning additions and deletions: what is refused, and why."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.changes import Addition, Deletion, plan_changes
from cbir.core.errors import CbirError
from cbir.images.discovery import find_images
from tests.duplicates.actions.helpers import ODD_NAMES, sha256, tree, write

REFUSED = {
    "": "no path",
    "/etc/a.jpg": "relative to it",
    "//a.jpg": "relative to it",
    "../a.jpg": "leads out",
    "x/../../a.jpg": "leads out",
    "x/../a.jpg": "leads out",
    "..": "leads out",
    ".": "a dot",
    "./a.jpg": "a dot",
    "x//a.jpg": "empty part",
    "a.jpg/": "empty part",
    ".a.jpg": "hidden",
    ".x/a.jpg": "hidden",
    "x/.cbir-12345678-1": "hidden",
    "a\0.jpg": "no path",
    "l" * 252 + ".jpg": "longer",
    "x/" * 2500 + "a.jpg": "longer",
    "é" * 126 + ".jpg": "longer",
    "\ud800.jpg": "characters",
    "a": "extension",
    "a.txt": "extension",
    "a.jpg.exe": "extension",
    "a.cr2": "extension",
    "linked/a.jpg": "outside",
    "linked/new/a.jpg": "outside",
    "secret/a.jpg": "hidden",
    "file.jpg/a.jpg": "is a file",
    "file.jpg": "something else",
    "folder.jpg": "something else",
    "link.jpg": "something else",
    "dangling.jpg": "something else",
}


@pytest.fixture
def odd(root: Path) -> Path:
    """A dataset with links, and a folder that is called like an image."""
    write(root, "file.jpg", b"old")
    write(root, ".hidden/b.jpg", b"hidden")
    write(root, "folder.jpg/c.jpg", b"c")
    write(root.parent, "elsewhere/mine.jpg", b"mine")
    (root / "linked").symlink_to(root.parent / "elsewhere")
    (root / "secret").symlink_to(".hidden")
    (root / "link.jpg").symlink_to("file.jpg")
    (root / "dangling.jpg").symlink_to("nothing")
    return root


@pytest.mark.parametrize("path", REFUSED, ids=ascii)
def test_an_addition_is_refused(odd: Path, path: str) -> None:
    before = tree(odd.parent)
    made = plan_changes(str(odd), [Addition(path, b"new")])
    assert not made.steps and not made.unchanged
    assert [left.path for left in made.refused] == [path.replace("\ud800", r"\ud800")]
    assert REFUSED[path] in made.refused[0].reason
    assert all(line.isprintable() for line in made.lines())
    assert tree(odd.parent) == before


def test_what_is_there_with_the_same_bytes_is_no_step(odd: Path) -> None:
    made = plan_changes(str(odd), [Addition("file.jpg", b"old"), Addition("link.jpg", b"old")])
    assert made.unchanged == ("file.jpg",) and not made.steps
    assert [left.path for left in made.refused] == ["link.jpg"]
    assert made.lines()[0] == "same  file.jpg   (it is there already)"


def test_folders_within_the_dataset_may_be_links(odd: Path) -> None:
    (odd / "again").symlink_to("folder.jpg")
    made = plan_changes(
        str(odd), [Addition("again/d.jpg", b"d"), Addition("folder.jpg/d.jpg", b"")]
    )
    assert [step.path for step in made.steps] == [str(odd / "folder.jpg" / "d.jpg")]
    assert made.refused[0].reason == "it is in the plan already"


DELETIONS = {
    "missing.jpg": "no such file",
    "link.jpg": "symbolic link",
    "folder.jpg": "not a regular file",
    "linked/mine.jpg": "outside",
    "../elsewhere/mine.jpg": "leads out",
    ".hidden/b.jpg": "hidden",
    "secret/b.jpg": "hidden",
    "file.jpg/x": "not a directory",
}


@pytest.mark.parametrize("path", DELETIONS)
def test_a_deletion_is_refused(odd: Path, path: str) -> None:
    content = (odd / path).read_bytes() if (odd / path).is_file() else b""
    made = plan_changes(str(odd), [], [Deletion(path, hashlib.sha256(content).digest())])
    assert not made.steps and DELETIONS[path] in made.refused[0].reason


def test_what_has_changed_since_it_was_seen_is_not_deleted(odd: Path) -> None:
    seen = sha256(odd / "file.jpg")
    assert len(plan_changes(str(odd), [], [Deletion("file.jpg", seen)]).steps) == 1
    (odd / "file.jpg").write_bytes(b"edited")
    made = plan_changes(str(odd), [], [Deletion("file.jpg", seen)] * 2)
    assert [left.reason.split(" since")[0] for left in made.refused] == ["it was changed"] * 2


def test_deletions_come_first_and_each_kind_is_sorted(root: Path) -> None:
    write(root, "z.jpg")
    write(root, "b.jpg")
    gone = [Deletion(name, sha256(root / name)) for name in ("z.jpg", "b.jpg")]
    added = [Addition(name, b"12") for name in ("y.png", "a.png")]
    assert plan_changes(str(root), added, gone).lines() == [
        "delete  b.jpg   (4 bytes)",
        "delete  z.jpg   (4 bytes)",
        "add  a.png   (2 bytes)",
        "add  y.png   (2 bytes)",
    ]


def test_a_dataset_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(CbirError, match="the dataset is no folder"):
        plan_changes(str(tmp_path / "no"))


parts = st.text("ab.\0/\\é\n ~-", max_size=6) | st.sampled_from(["..", ".", "", "linked", "x.jpg"])


@settings(max_examples=200)
@given(st.lists(parts, max_size=4), st.sampled_from([".jpg", ".PNG", ".txt", ""]))
def test_what_is_planned_is_what_the_next_scan_finds(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], end: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    root = folder / "photos"
    (folder / "elsewhere").mkdir()
    root.mkdir()
    (root / "linked").symlink_to(folder / "elsewhere")
    path = "/".join(names) + end
    for step in plan_changes(str(root), [Addition(path, b"new")]).steps:
        os.makedirs(os.path.dirname(step.path), exist_ok=True)
        Path(step.path).write_bytes(b"new")
        assert [found.path for found in find_images(str(root))] == [path]
    assert not os.listdir(folder / "elsewhere")


def test_odd_names_may_be_added(root: Path) -> None:
    names = [os.fsdecode(name) for name in ODD_NAMES if name.endswith(b".jpg")]
    made = plan_changes(str(root), [Addition(name, b"new") for name in names])
    assert sorted(step.change.path for step in made.steps) == sorted(names) and not made.refused
