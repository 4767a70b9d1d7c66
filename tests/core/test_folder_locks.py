"""Locks of folders: who removes files excludes all that rely on them, and nobody else."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cbir.core import locks
from cbir.core.errors import CbirError
from cbir.core.folder_locks import locked_folders


@pytest.fixture(params=["flock", "refused", "missing"])
def way(request: Any, monkeypatch: Any) -> str:
    """Take away what a system or a file system may lack."""
    real = locks.fcntl.flock

    def refuse(descriptor: int, operation: int) -> None:
        if os.path.isdir(f"/dev/fd/{descriptor}"):
            raise OSError(errno.ENOTSUP, "Operation not supported")
        real(descriptor, operation)

    if request.param == "refused":
        monkeypatch.setattr(locks.fcntl, "flock", refuse)
    if request.param == "missing":
        monkeypatch.setattr(locks, "fcntl", None)
    return request.param


def excluded(first: tuple[Any, ...], second: tuple[Any, ...]) -> bool:
    with ExitStack() as held:
        held.enter_context(locked_folders(*first))
        try:
            held.enter_context(locked_folders(*second))
        except CbirError as error:
            assert "another run" in str(error) and "wait=True" in str(error)
            return True
        return False


def test_overlapping_runs_exclude_each_other(tmp_path: Path, way: str) -> None:
    root, inside, beside = (str(tmp_path / name) for name in ("a", "a/x/y", "b"))
    for folder in (inside, beside):
        os.makedirs(folder)
    assert excluded(([root],), ([root],))
    assert excluded(([root],), ([inside],))
    assert excluded(([inside],), ([root],))
    assert excluded(([root], [beside]), ([beside], [root]))
    assert excluded(([root], [beside]), ([beside], []))
    assert excluded(([root], []), ([beside], [inside]))
    if way == "flock":
        assert not excluded(([root],), ([beside],))
        assert not excluded(([root], [str(tmp_path)]), ([beside], [str(tmp_path)]))
    with locked_folders([root]):
        pass
    with locked_folders([root, str(tmp_path / "missing")]):
        pass


def test_a_lock_leaves_nothing_and_needs_no_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with locked_folders([str(tmp_path)]):
        assert os.listdir(tmp_path) == []
    tmp_path.chmod(0o755)


def test_the_holder_is_named(tmp_path: Path) -> None:
    if not os.path.exists("/proc/locks"):
        pytest.skip("this system does not tell who holds a lock")
    with (
        locked_folders([str(tmp_path)]),
        pytest.raises(CbirError, match=rf"{tmp_path}: another run \(process {os.getpid()}\)"),
        locked_folders([str(tmp_path)]),
    ):
        pass


def test_many_folders_of_kept_images_are_one(tmp_path: Path) -> None:
    keeping = [str(tmp_path / "kept" / str(i)) for i in range(300)]
    for folder in keeping:
        os.makedirs(folder)
    (tmp_path / "a").mkdir()
    assert excluded(([str(tmp_path / "a")], keeping), ([keeping[7]],))
