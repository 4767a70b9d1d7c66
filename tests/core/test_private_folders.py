"""Folders to which others may write are not taken for the user's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cbir.core.private_folders import can_be_private, is_private, make_folder


def test_a_folder_of_ones_own_is_private(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir(mode=0o755)
    assert is_private(tmp_path / "own") and can_be_private(tmp_path / "own")


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777])
def test_a_folder_that_others_may_write_to_is_not(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    assert not is_private(folder) and not can_be_private(folder)


def test_a_link_and_a_file_are_not(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "own")
    (tmp_path / "file").write_text("")
    for name in ("link", "file"):
        assert not is_private(tmp_path / name) and not can_be_private(tmp_path / name)


def test_what_is_not_there_can_be_made_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert can_be_private(tmp_path / "cache" / "cbir" / "one")
    before = os.umask(0)
    try:
        make_folder(tmp_path / "cache" / "cbir" / "one" / "two")
        make_folder(tmp_path / "other" / "one")
    finally:
        os.umask(before)
    assert is_private(tmp_path / "cache" / "cbir" / "one" / "two")
    assert is_private(tmp_path / "cache" / "cbir")
    assert not is_private(tmp_path / "other" / "one")
    with pytest.raises(FileNotFoundError):
        is_private(tmp_path / "nothing")
