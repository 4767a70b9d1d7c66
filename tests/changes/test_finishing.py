"""Logs of runs that were killed are cleared up, and nothing more is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbir.changes import finish, read_log
from cbir.core.errors import CbirError
from tests.changes.helpers import changed
from tests.duplicates.actions.helpers import write


def cut(log: str, lines: int) -> None:
    path = Path(log)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))


def test_a_step_that_was_done_is_noted(root: Path, trash: Path) -> None:
    log = changed(root, {"a.jpg": b"a", "b.jpg": b"b"}).log
    cut(log, 4)  # the header, a step, and the beginning of another
    steps = finish(log)
    assert [(step.state, step.open) for step in steps] == [("done", False)] * 2
    assert (root / "b.jpg").read_bytes() == b"b"


def test_what_a_step_left_is_cleared_up(root: Path, trash: Path) -> None:
    log = changed(root, {"a.jpg": b"a"}).log
    cut(log, 2)
    (intent,) = (step.intent for step in read_log(log))
    assert intent is not None
    (root / "a.jpg").unlink()
    write(root, Path(intent.new_aside).name, b"a")
    (step,) = finish(log)
    assert (step.state, step.open) == ("not done", False)
    assert not list(root.iterdir())


def test_a_log_that_is_whole_stays_as_it_is(root: Path, trash: Path) -> None:
    log = changed(root, {"a.jpg": b"a"}).log
    before = Path(log).read_bytes()
    assert [step.state for step in finish(log)] == ["done"]
    assert Path(log).read_bytes() == before


def test_a_missing_log_is_told(tmp_path: Path) -> None:
    with pytest.raises(CbirError, match="read the log"):
        finish(str(tmp_path / "no.log"))
