"""What somebody put in the place of a file of the program is not written to."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cbir.core.private_files import check_private, open_private

PLANTED: dict[str, Callable[[Path, Path], object]] = {
    "a link": lambda path, other: path.symlink_to(other),
    "a link to nothing": lambda path, other: path.symlink_to(f"{other}-new"),
    "a link to itself": lambda path, _: path.symlink_to(path),
    "another name": lambda path, other: os.link(other, path),
    "a pipe": lambda path, _: os.mkfifo(path),
    "a folder": lambda path, _: path.mkdir(),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_is_left_alone(tmp_path: Path, planted: str) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    PLANTED[planted](tmp_path / "note", tmp_path / "mine")
    before, descriptors = sorted(os.listdir(tmp_path)), len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match=r"it is|it has"):
        check_private(str(tmp_path / "note"))
    for create in (True, False):
        with pytest.raises(OSError, match=r"it is|it has"):
            open_private(str(tmp_path / "note"), create)
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_file_of_ones_own_is_kept_and_written(tmp_path: Path) -> None:
    path = str(tmp_path / "note")
    check_private(path)
    with pytest.raises(FileNotFoundError):
        open_private(path, create=False)
    with open_private(path) as file:
        file.write(b"first")
    with open_private(path, create=False) as file:
        assert file.readall() == b"first"
        file.write(b", second")
    assert (tmp_path / "note").read_bytes() == b"first, second"
