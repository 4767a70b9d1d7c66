"""What is known about images stays with them, whatever becomes of their files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import cbir
from cbir.stores import open_store

NOTES = "id,note\naa,A\nmm,M\nzz,Z\n"


@pytest.fixture
def index(photos: Path) -> str:
    """An index of three files of one content, about which different things are known."""
    for name in ("aa", "mm", "zz"):
        shutil.copy2(photos / "cats" / "cat-1.jpg", photos / f"{name}.jpg")
    table, path = photos.parent / "notes.csv", str(photos.parent / "index.csv")
    table.write_text(NOTES)
    cbir.index(str(photos), path, metadata=str(table))
    return path


def notes(photos: Path, index: str) -> dict[str, str]:
    cbir.index(str(photos), index)
    rows = open_store(index).snapshot().rows
    return dict(zip(rows.paths, rows.metadata["note"].texts(), strict=True))


def test_a_renamed_copy_keeps_its_own(photos: Path, index: str) -> None:
    (photos / "aa.jpg").rename(photos / "bb.jpg")
    found = notes(photos, index)
    assert [found[f"{name}.jpg"] for name in ("bb", "mm", "zz")] == ["A", "M", "Z"]


def test_a_new_copy_is_given_nothing(photos: Path, index: str) -> None:
    shutil.copy2(photos / "aa.jpg", photos / "new.jpg")
    found = notes(photos, index)
    assert (found["aa.jpg"], found["new.jpg"]) == ("A", "")


def test_where_nobody_can_tell_which_is_which_the_old_index_is_kept(
    photos: Path, index: str
) -> None:
    (photos / "aa.jpg").rename(photos / "bb.jpg")
    (photos / "zz.jpg").rename(photos / "cc.jpg")
    found = notes(photos, index)
    assert [found[f"{name}.jpg"] for name in ("bb", "mm", "cc")] == ["", "M", ""]
    assert "A" in Path(f"{index}.old").read_text().splitlines()[1]


def test_a_moved_dataset_keeps_what_its_paths_tell(photos: Path, index: str) -> None:
    moved = photos.rename(photos.parent / "moved")
    found = notes(moved, index)
    assert [found[f"{name}.jpg"] for name in ("aa", "mm", "zz")] == ["A", "M", "Z"]


def test_a_changed_image_keeps_what_its_path_tells(photos: Path, index: str) -> None:
    shutil.copy2(photos / "cats" / "cat-2.jpg", photos / "aa.jpg")
    assert notes(photos, index)["aa.jpg"] == "A"
