"""Extended attributes survive links, moves and undo, or the step is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from cbir.changes import files, undo
from cbir.changes.attributes import attributes_of
from cbir.duplicates.actions import act
from tests.duplicates.actions.helpers import acted, planned, removal, write
from tests.duplicates.actions.test_acting import across

TAGS = {"user.odd é": b"\0\xff", "user.xdg.tags": b"holiday"}


@pytest.fixture(autouse=True)
def _needs_attributes(tmp_path: Path) -> None:
    try:
        os.setxattr(tmp_path, "user.test", b"")
    except (AttributeError, OSError):
        pytest.skip("no extended attributes here")


def tagged(root: Path, name: str) -> Path:
    path = write(root, name)
    for key, value in TAGS.items():
        os.setxattr(path, key, value)
    return path


@pytest.mark.parametrize("action", ["hardlink", "symlink", "move"])
def test_undo_brings_extended_attributes_back(root: Path, action: Any) -> None:
    write(root, "a")
    copy = tagged(root, "b")
    log = acted(root, action, removal(root, "a", "b")).log
    assert len(undo(log).undone) == 1
    assert attributes_of(str(copy)) == TAGS and attributes_of(str(root / "a")) == {}


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs a second file system")
def test_a_move_to_another_file_system_keeps_them(root: Path, tmp_path: Path) -> None:
    write(root, "a")
    tagged(root, "b")
    place = Path("/dev/shm") / f"cbir-test-{os.getpid()}"
    made = planned(root, "move", removal(root, "a", "b"), destination=str(place))
    try:
        report = act(made, str(tmp_path / "log"))
        if report.done:
            assert attributes_of(str(place / "b")) == TAGS
            undo(report.log)
        else:
            assert "extended attribute" in report.failed[0].reason
    finally:
        assert not place.exists()
    assert attributes_of(str(root / "b")) == TAGS


def test_a_move_to_where_they_cannot_be_kept_is_refused(
    root: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    across(monkeypatch, root)
    monkeypatch.setattr(files.shutil, "copystat", lambda *_, **__: None)
    write(root, "a")
    tagged(root, "b")
    report = acted(root, "move", removal(root, "a", "b"))
    assert "its extended attribute user." in report.failed[0].reason
    assert attributes_of(str(root / "b")) == TAGS and not (tmp_path / "moved").exists()


def test_more_than_the_log_can_keep_is_refused(root: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("cbir.changes.attributes.MOST_BYTES", 10)
    write(root, "a")
    tagged(root, "b")
    report = acted(root, "hardlink", removal(root, "a", "b"))
    assert "too large to be kept in the log" in report.skipped[0].reason
    assert not (root / "b").samefile(root / "a")


def test_an_access_control_list_is_not_lost_by_a_link(root: Path, monkeypatch: Any) -> None:
    acl = {"system.posix_acl_access": b"\x02\0\0\0"}
    monkeypatch.setattr("cbir.duplicates.actions.acting.attributes_of", lambda _: acl)
    write(root, "a")
    write(root, "b")
    report = acted(root, "symlink", removal(root, "a", "b"))
    assert report.skipped[0].reason.startswith("it has an access control list")
