"""Which image of a group is kept."""

from __future__ import annotations

import os
import shutil
from itertools import permutations
from pathlib import Path

import pytest

from cbir.duplicates.grouping import find_groups
from cbir.duplicates.keep_policy import originality
from cbir.duplicates.model import KEEPS, Entry

from ..edits import photo
from .helpers import collected, names, save


def file(path: str, mtime: int = 5) -> Entry:
    return Entry(path, b"", 1, mtime, 9, 9, 90)


def kept(folder: Path, keep: str) -> str:
    with collected(folder, "near") as collection:
        (group,) = names(find_groups(collection, "near", keep=keep), str(folder))  # type: ignore[arg-type]
    return group[0]


@pytest.mark.parametrize("keep", [keep for keep in KEEPS if keep not in ("first", "newest")])
def test_of_identical_files_the_oldest_is_kept(tmp_path: Path, keep: str) -> None:
    for year, name in enumerate(
        ["IMG_1.jpg", "IMG_1 (1).jpg", "Copy of IMG_1.jpg", "IMG_1 copy.jpg"], 2010
    ):
        save(photo("cats/cat-1").resize((300, 195)), tmp_path / name, quality=90)
        os.utime(tmp_path / name, (0, (year - 1970) * 31_556_952))
    assert kept(tmp_path, keep) == "IMG_1.jpg"


@pytest.mark.parametrize("keep", [keep for keep in KEEPS if keep != "first"])
def test_of_identical_files_of_one_time_that_without_marks_is_kept(
    tmp_path: Path, keep: str
) -> None:
    for name in ("IMG_1.jpg", "IMG_1 (1).jpg", "Copy of IMG_1.jpg", "IMG_1 copy.jpg", "2.jpg"):
        folder = tmp_path / "photos - Copy" if name == "2.jpg" else tmp_path / "photos"
        save(photo("cats/cat-1").resize((300, 195)), folder / name, quality=90)
        os.utime(folder / name, (10, 10))
    assert kept(tmp_path, keep) == "photos/IMG_1.jpg"


def test_the_older_of_two_identical_files_is_kept_though_its_path_comes_later(
    tmp_path: Path,
) -> None:
    save(photo("cats/cat-1").resize((300, 195)), tmp_path / "cat-z.jpg")
    shutil.copy(tmp_path / "cat-z.jpg", tmp_path / "cat-again.jpg")
    os.utime(tmp_path / "cat-z.jpg", (10, 10))
    assert kept(tmp_path, "largest") == "cat-z.jpg"


def test_originality_is_age_then_marks_then_length_then_path() -> None:
    expected = [
        file("z/old (1).jpg", 1), file("z/name.jpg"), file("a/names.jpg"), file("b/names.jpg"),
        file("a (1)/name.jpg"), file("z/name (1).jpg"), file("name (1) (2).jpg"),
    ]  # fmt: skip
    for order in permutations(expected, 7):
        assert sorted(order, key=originality) == expected
