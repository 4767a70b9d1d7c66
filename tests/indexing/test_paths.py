"""Updates of an index that look only at some paths of the dataset."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.indexing.build import build_index
from tests.conftest import PROJECT

CAT = PROJECT / "data" / "cats" / "cat-1.jpg"
OTHER = PROJECT / "data" / "cats" / "cat-2.jpg"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "sub/c.jpg"):
        shutil.copy(CAT, photos / name)
    build_index(str(photos), str(tmp_path / "i.csv"))
    return tmp_path


def updated(folder: Path, *paths: str) -> list[str]:
    build_index(str(folder / "photos"), str(folder / "i.csv"), paths=paths)
    return cbir.open(str(folder / "i.csv")).paths


def test_an_added_image_enters_and_a_removed_one_leaves(folder: Path) -> None:
    shutil.copy(OTHER, folder / "photos" / "new.jpg")
    (folder / "photos" / "a.jpg").unlink()
    assert updated(folder, "new.jpg", "a.jpg") == ["b.jpg", "new.jpg", "sub/c.jpg"]


def test_no_other_path_is_looked_at(folder: Path) -> None:
    photos = folder / "photos"
    for name in ("left-out.jpg", "sub/new.jpg", "new.jpg"):
        shutil.copy(OTHER, photos / name)
    (photos / "b.jpg").unlink()
    before = (folder / "i.csv").read_text().splitlines()
    assert updated(folder, "new.jpg") == ["a.jpg", "b.jpg", "new.jpg", "sub/c.jpg"]
    assert set(before) < set((folder / "i.csv").read_text().splitlines())


def test_a_changed_image_is_described_again(folder: Path) -> None:
    shutil.copy(OTHER, folder / "photos" / "b.jpg")
    updated(folder, "b.jpg")
    index = cbir.open(str(folder / "i.csv"))
    assert index.hashes[1] != index.hashes[0] == index.hashes[2]


def test_what_a_walk_would_not_find_is_not_found(folder: Path) -> None:
    photos = folder / "photos"
    (photos / ".hidden").mkdir()
    shutil.copy(OTHER, photos / ".hidden" / "x.jpg")
    shutil.copy(OTHER, photos / "x.txt")
    os.mkfifo(photos / "pipe.jpg")
    (photos / "folder.jpg").mkdir()
    names = (
        ".hidden/x.jpg",
        "x.txt",
        "pipe.jpg",
        "folder.jpg",
        "a.jpg/x.jpg",
        "../a.jpg",
        "no.jpg",
    )
    assert updated(folder, *names) == ["a.jpg", "b.jpg", "sub/c.jpg"]


def test_the_names_of_paths_are_no_patterns(folder: Path) -> None:
    photos = folder / "photos"
    shutil.copy(OTHER, photos / "[ab].jpg")
    (photos / "a.jpg").unlink()
    assert updated(folder, "[ab].jpg", "*.jpg") == ["[ab].jpg", "a.jpg", "b.jpg", "sub/c.jpg"]


def test_names_that_are_no_text_can_be_named(folder: Path) -> None:
    name = os.fsdecode(b"\xff.jpg")
    shutil.copy(OTHER, folder / "photos" / name)
    assert name in updated(folder, name)


def test_a_dataset_that_was_moved_is_recognized(folder: Path) -> None:
    (folder / "photos").rename(folder / "moved")
    shutil.copy(OTHER, folder / "moved" / "new.jpg")
    build_index(str(folder / "moved"), str(folder / "i.csv"), paths=["new.jpg"])
    index = cbir.open(str(folder / "i.csv"))
    assert index.paths == ["a.jpg", "b.jpg", "new.jpg", "sub/c.jpg"]
    assert index.root == str(folder / "moved")


def test_the_last_image_stays_in_the_index(folder: Path) -> None:
    shutil.rmtree(folder / "photos")
    (folder / "photos").mkdir()
    with pytest.raises(CbirError, match="no image would be left"):
        updated(folder, "a.jpg", "b.jpg", "sub/c.jpg")
    assert len(cbir.open(str(folder / "i.csv"))) == 3


def test_paths_and_patterns_contradict_each_other(folder: Path) -> None:
    with pytest.raises(UsageError, match="paths are looked at without include"):
        build_index(str(folder / "photos"), str(folder / "i.csv"), paths=["a.jpg"], include="*.jpg")
