"""Renaming replaces nothing, whatever the system lacks."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from cbir.core import renaming
from cbir.core.renaming import rename_new


def write(folder: Path, name: str, data: bytes = b"") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


@pytest.fixture(params=["renameat2", "link", "look"])
def way(request: Any, monkeypatch: Any) -> str:
    """Take away what a system may lack."""

    def no_links(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if request.param != "renameat2":
        monkeypatch.setattr(renaming, "_renameat2", lambda: None)
    if request.param == "look":
        monkeypatch.setattr(os, "link", no_links)
    return request.param


def test_a_file_is_renamed(tmp_path: Path, way: str) -> None:
    source, target = write(tmp_path, "a\udcff"), tmp_path / "b"
    inode = source.stat().st_ino
    rename_new(str(source), str(target))
    assert os.listdir(tmp_path) == ["b"] and target.stat().st_ino == inode


def test_nothing_is_replaced(tmp_path: Path, way: str) -> None:
    source, target = write(tmp_path, "a", b"1"), write(tmp_path, "b", b"2")
    (tmp_path / "c").symlink_to("nowhere")
    for taken in (target, tmp_path / "c"):
        with pytest.raises(FileExistsError):
            rename_new(str(source), str(taken))
    assert source.read_bytes() == b"1" and target.read_bytes() == b"2"


def test_a_source_that_cannot_be_unlinked_stays_alone(tmp_path: Path, monkeypatch: Any) -> None:
    source, target = write(tmp_path, "a"), tmp_path / "b"
    real = os.unlink

    def unlink(path: str) -> None:
        if path == str(source):
            raise PermissionError(errno.EACCES, "Permission denied")
        real(path)

    monkeypatch.setattr(renaming, "_renameat2", lambda: None)
    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(PermissionError):
        rename_new(str(source), str(target))
    assert os.listdir(tmp_path) == ["a"]
