"""Paths as an index keeps them, and as they are found again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cbir.stores.default_path import kept_index
from cbir.stores.locations import found_location, kept_location


@pytest.mark.parametrize("name", ["net.onnx", "models/net.onnx", "../net.onnx", "a b/ü.onnx"])
def test_what_is_kept_is_relative_and_found_again(name: str, tmp_path: Path) -> None:
    index, path = tmp_path / "indexes" / "index.csv", tmp_path / "indexes" / name
    kept = kept_location(str(path), str(index))
    assert kept == name
    assert found_location(kept, str(index)) == os.path.normpath(path)
    moved = tmp_path / "elsewhere" / "index.csv"
    assert found_location(kept, str(moved)) == os.path.normpath(tmp_path / "elsewhere" / name)


def test_no_file_stays_none() -> None:
    assert kept_location("", "sub/index.csv") == found_location("", "sub/index.csv") == ""


def test_a_path_is_relative_to_where_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert kept_location("net.onnx", "sub/index.csv") == "../net.onnx"


def test_links_of_folders_are_followed_and_that_of_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    (tmp_path / "real" / "deep" / "net.onnx").symlink_to("net-2.onnx")
    kept = kept_location(str(tmp_path / "link" / "net.onnx"), str(tmp_path / "index.csv"))
    assert kept == "real/deep/net.onnx"


def test_an_index_in_the_cache_folder_keeps_the_whole_path(tmp_path: Path) -> None:
    index = kept_index(str(tmp_path))
    kept = kept_location(str(tmp_path / "net.onnx"), index)
    assert kept == found_location(kept, index) == str(tmp_path / "net.onnx")
