"""Names that are free, and files that are opened only if they are regular."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cbir.changes.files import free_name, opened
from tests.duplicates.actions.helpers import write


def test_free_names_are_numbered(tmp_path: Path) -> None:
    path = write(tmp_path, "a.b.jpg")
    assert free_name(str(path)) == str(tmp_path / "a.b (2).jpg")
    write(tmp_path, "a.b (2).jpg")
    assert free_name(str(path)) == str(tmp_path / "a.b (3).jpg")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(write(tmp_path, "file"))
    for name in ("pipe", "link", "", "missing"):
        with pytest.raises(OSError), opened(str(tmp_path / name)):
            pass
