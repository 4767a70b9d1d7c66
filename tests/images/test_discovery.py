"""Finding the images of a dataset."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.core.errors import CbirError, UnreadableImageError
from cbir.core.packed_text import PackedText
from cbir.images.discovery import (
    IMAGE_EXTENSIONS,
    UNSUPPORTED_EXTENSIONS,
    ImageFile,
    ImageFiles,
    find_images,
)
from tests.conftest import DATA, PROJECT


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def paths(root: Path, **options: object) -> list[str]:
    return [found.path for found in find_images(str(root), **options)]


def test_images_are_found_at_any_depth_sorted_by_their_bytes(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "a/z.PNG", "a/b/c.webp", "é.jpg", "Z.jpg", "notes.txt", "a.csv")
    assert paths(tmp_path) == ["Z.jpg", "a/b/c.webp", "a/z.PNG", "b.jpg", "é.jpg"]


def test_names_are_sorted_as_bytes_even_where_they_are_not_utf8(tmp_path: Path) -> None:
    for name in (b"\xff.jpg", "\ue000.jpg".encode(), b"a.jpg"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    found = [os.fsencode(path) for path in paths(tmp_path)]
    assert found == sorted(found)


def test_hidden_files_and_folders_are_skipped(tmp_path: Path) -> None:
    touch(tmp_path, ".a.jpg", ".thumbs/b.jpg", "c.jpg")
    assert paths(tmp_path) == ["c.jpg"]


def test_a_file_without_extension_is_known_by_its_content(tmp_path: Path) -> None:
    photo = (DATA / "cats" / "cat-1.jpg").read_bytes()
    (tmp_path / "photo").write_bytes(photo)
    (tmp_path / "photo.txt").write_bytes(photo)
    (tmp_path / "README").write_bytes(b"text")
    assert paths(tmp_path) == ["photo"]


def test_loops_of_links_end_and_a_folder_is_entered_once(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.jpg")
    (tmp_path / "a-link").symlink_to(tmp_path / "real", target_is_directory=True)
    (tmp_path / "real" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert paths(tmp_path) == ["real/a.jpg"]


def test_a_linked_folder_outside_is_followed(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.jpg")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert paths(tmp_path / "data") == ["link/a.jpg"]


def test_include_and_exclude_take_names_and_paths(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.png", "raw.dat", "thumbs/c.jpg", "x/thumbs/d.jpg")
    assert paths(tmp_path, include=["*.png", "*.dat"]) == ["b.png", "raw.dat"]
    assert paths(tmp_path, exclude=["thumbs", "b.*"]) == ["a.jpg"]
    assert paths(tmp_path, include=["x/*"]) == ["x/thumbs/d.jpg"]


def test_what_is_no_regular_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    assert paths(tmp_path) == []


def test_a_broken_link_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    errors: list[UnreadableImageError] = []
    assert paths(tmp_path, on_error=errors.append) == []
    assert errors[0].path.endswith("gone.jpg") and "no such file" in errors[0].reason


def test_size_and_time_are_told(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    os.utime(tmp_path / "a.jpg", ns=(0, 1_700_000_000_123_456_789))
    found = find_images(str(tmp_path))[0]
    assert (found.size, found.mtime) == (1, 1_700_000_000_123)


def test_a_missing_dataset_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "file")
    with pytest.raises(CbirError, match="does not exist"):
        find_images(str(tmp_path / "nowhere"))
    with pytest.raises(CbirError, match="is not a folder"):
        find_images(str(tmp_path / "file"))


def test_formats_that_are_not_read_are_counted_by_extension(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.PSD", "c.psd", "x/d.svg", "e.txt", ".f.psd", "skip/g.psd")
    (tmp_path / "folder.psd").mkdir()
    left_out: Counter[str] = Counter()
    assert paths(tmp_path, exclude=["skip"], left_out=left_out) == ["a.jpg"]
    assert left_out == {".psd": 2, ".svg": 1}


def test_the_documented_formats_are_those_that_are_looked_for() -> None:
    page = (PROJECT / "docs" / "formats.md").read_text()
    read, not_read = page.split("## Not read")
    extensions = re.compile(r"`(\.[a-z0-9]+)`")
    assert set(extensions.findall(read)) == IMAGE_EXTENSIONS
    assert set(extensions.findall(not_read)) == UNSUPPORTED_EXTENSIONS
    assert not IMAGE_EXTENSIONS & UNSUPPORTED_EXTENSIONS


NAMES = st.lists(st.text("ab/é\udcff", min_size=1, max_size=3), max_size=6)


@given(NAMES, NAMES)
def test_many_files_are_kept_as_a_list_keeps_them(one: list[str], two: list[str]) -> None:
    files = [ImageFile(name, number, -number) for number, name in enumerate([*one, *two])]
    kept = ImageFiles.of(files)
    assert list(kept) == [kept[place] for place in range(len(files))] == files
    assert list(kept[1:4]) == files[1:4] and list(kept[::-2]) == files[::-2]
    expected = sorted(files, key=lambda file: os.fsencode(file.path))
    assert list(ImageFiles.sorted(files)) == expected
    joined = PackedText.joined([PackedText.of(one), PackedText.of(two)])
    assert joined == kept.paths and list(PackedText.joined([])) == []
