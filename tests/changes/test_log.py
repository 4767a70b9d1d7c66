"""Reading logs: whole, torn and damaged."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cbir.changes import Addition, change, plan_changes, read_log, undo
from cbir.changes.log import ActionLog
from cbir.core.errors import CbirError
from tests.changes.helpers import changed
from tests.duplicates.actions.helpers import acted, removal, tree, write


def logged(root: Path) -> Path:
    """Move two of three copies; return the log."""
    for name in "abc":
        write(root, name)
    return Path(acted(root, "move", removal(root, "a", "b"), removal(root, "a", "c")).log)


def test_a_log_torn_anywhere_tells_by_the_disk_what_happened(root: Path) -> None:
    whole = logged(root).read_bytes()
    log = root.parent / "log"
    ends = [i for i, byte in enumerate(whole) if byte == ord("\n")]
    assert len(ends) == 5
    for length in range(0, len(whole) + 1, 7):
        log.write_bytes(whole[:length])
        intents = sum(length > ends[i] for i in (1, 3))
        assert [step.state for step in read_log(str(log))] == ["done"] * intents


def test_a_torn_log_is_continued(root: Path) -> None:
    log = logged(root)
    log.write_bytes(log.read_bytes()[:-5])
    assert len(undo(str(log)).undone) == 2
    assert sorted(path.name for path in root.iterdir()) == ["a", "b", "c"]
    assert [step.state for step in read_log(str(log))] == ["undone", "undone"]


def test_a_damaged_line_is_named(root: Path) -> None:
    log = logged(root)
    lines = log.read_bytes().split(b"\n")
    for damage in (b"{", b'{"step": 1}', b'{"step": 1, "event": "?"}', b"[]"):
        log.write_bytes(b"\n".join([*lines[:2], damage, *lines[3:]]))
        with pytest.raises(CbirError, match="line 3 is damaged"):
            read_log(str(log))
        before = tree(root)
        with pytest.raises(CbirError, match="line 3 is damaged"):
            undo(str(log))
        assert tree(root) == before


@pytest.mark.parametrize("version", [2, 3])
def test_a_log_of_an_earlier_format_is_undone(root: Path, version: int) -> None:
    log = logged(root)
    header, *lines = log.read_text().splitlines(keepends=True)
    assert '"log": 4' in header and '"kept"' in lines[0]
    older = [header.replace('"log": 4', f'"log": {version}'), *lines]
    kept = "keeper" if version == 2 else "kept"
    log.write_text("".join(older).replace('"kept"', f'"{kept}"').replace('"path"', '"copy"'))
    assert len(undo(str(log)).undone) == 2
    assert sorted(path.name for path in root.iterdir()) == ["a", "b", "c"]


def test_a_log_of_a_later_version_is_not_read(root: Path) -> None:
    log = logged(root)
    log.write_bytes(log.read_bytes().replace(b'"log": 4', b'"log": 5'))
    with pytest.raises(CbirError, match="use that version"):
        read_log(str(log))


def test_one_process_writes_at_a_time(root: Path) -> None:
    log = logged(root)
    with (
        ActionLog.opened(str(log), {"action": "undo"}, new=False),
        pytest.raises(CbirError, match="another"),
    ):
        undo(str(log))


@pytest.mark.parametrize("text", ['{"cbir": {"theme": "dark"}, "other": "my settings"}', "{"])
def test_a_file_of_the_users_is_no_log(root: Path, text: str) -> None:
    for name in "ab":
        write(root, name)
    (root.parent / "log").write_text(text)
    with pytest.raises(CbirError, match="no log of actions"):
        acted(root, "move", removal(root, "a", "b"))
    assert (root.parent / "log").read_text() == text and (root / "b").exists()


@pytest.mark.parametrize("plant", [os.symlink, os.link])
@pytest.mark.parametrize("content", [b"", b"another log"])
def test_a_log_is_written_to_no_other_file(
    root: Path, tmp_path: Path, plant: Callable[[Path, Path], None], content: bytes
) -> None:
    other = tmp_path / "other"
    if content:
        other = Path(changed(root, {"y.jpg": b"y"}).log).rename(other)
    else:
        other.write_bytes(content)
    before = other.read_bytes()
    plant(other, tmp_path / "planted")
    with pytest.raises(CbirError, match="write the log"):
        change(plan_changes(str(root), [Addition("x.jpg", b"x")]), str(tmp_path / "planted"))
    if content:
        with pytest.raises(CbirError, match="write the log"):
            undo(str(tmp_path / "planted"))
    assert other.read_bytes() == before and not (root / "x.jpg").exists()
