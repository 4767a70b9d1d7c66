"""The logs of a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cbir.changes import (
    Addition,
    ForeignLogError,
    LogFolder,
    change,
    finish,
    list_logs,
    new_log,
    plan_changes,
    undo,
)
from cbir.core.errors import CbirError
from tests.changes.helpers import changed
from tests.duplicates.actions.helpers import acted, removal, write


def test_what_each_log_tells_is_counted(root: Path, trash: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in "abc":
        write(root, name)
    acted(root, "delete", removal(root, "a", "b"), permanently=True)
    (tmp_path / "log").rename(logs / "cbir-1.log")
    changed(root, {"x.jpg": b"x", "y.jpg": b"y"}, ("c",))
    (tmp_path / "log").rename(logs / "cbir-2.log")
    made = plan_changes(str(root), [Addition("z.jpg", b"z"), Addition("zz.jpg", b"z")])
    write(root, "zz.jpg", b"mine")
    change(made, str(logs / "cbir-3.log"))
    first, second, third = sorted(list_logs(str(logs)), key=lambda summary: summary.path)
    assert first.done == {"delete": 1} and not first.to_undo
    assert second.done == {"add": 2, "delete": 1} and second.to_undo == 3 and not second.left
    assert third.done == {"add": 1} and third.left == 1
    assert first.time and second.time and first.time <= second.time and not first.problem
    undo(second.path)
    second = next(summary for summary in list_logs(str(logs)) if summary.path == second.path)
    assert (second.done, second.undone, second.to_undo, second.open) == ({}, 3, 0, 0)


def test_a_run_that_is_not_over_is_told(root: Path, trash: Path, tmp_path: Path) -> None:
    log = Path(changed(root, {"x.jpg": b"x"}).log).rename(tmp_path / "cbir-x.log")
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    (summary,) = list_logs(str(tmp_path))
    assert summary.open == 1 and summary.done == {"add": 1} and summary.to_undo == 1


def test_what_is_no_log_is_told_or_left_out(tmp_path: Path) -> None:
    write(tmp_path, "cbir-damaged.log", b'{"cbir": "1", "log": 4, "action": "undo"}\n{\n')
    write(
        tmp_path, "cbir-timeless.log", b'{"cbir": "1", "log": 4, "action": "undo", "time": "?"}\n'
    )
    write(tmp_path, "cbir-empty.log", b"")
    write(tmp_path, "other.log", b"text")
    (tmp_path / "cbir-link.log").symlink_to("other.log")
    (tmp_path / "cbir-folder.log").mkdir()
    os.mkfifo(tmp_path / "cbir-pipe.log")
    found = {os.path.basename(summary.path): summary for summary in list_logs(str(tmp_path))}
    assert sorted(found) == ["cbir-damaged.log"]
    assert "line 2 is damaged" in found["cbir-damaged.log"].problem


def test_logs_that_grow_and_go_are_told_anew(root: Path, trash: Path, tmp_path: Path) -> None:
    folder = LogFolder(str(tmp_path))
    assert folder.summaries() == []
    log = new_log(str(tmp_path))
    change(plan_changes(str(root), [Addition("x.jpg", b"x")]), log)
    assert [one.done for one in folder.summaries()] == [{"add": 1}]
    undo(log)
    assert folder.summaries() == list_logs(str(tmp_path))
    assert [one.undone for one in folder.summaries()] == [1]
    os.unlink(log)
    assert folder.summaries() == []


def test_logs_of_other_datasets_are_told_and_nothing_is_done_by_them(
    root: Path, trash: Path, tmp_path: Path
) -> None:
    log = str(tmp_path / "cbir-x.log")
    change(plan_changes(str(root), [Addition("sub/x.jpg", b"x")]), log)
    (root / "sub/inner").mkdir()
    elsewhere = (tmp_path, tmp_path / "no", root / "sub", root / "sub/inner")
    for other in map(str, elsewhere):
        (summary,) = list_logs(str(tmp_path), other)
        assert "another dataset" in summary.problem and not summary.to_undo
        for act in (undo, finish):
            with pytest.raises(ForeignLogError):
                act(log, root=other)
    assert (root / "sub/x.jpg").read_bytes() == b"x"
    assert not list_logs(str(tmp_path), str(root))[0].problem
    assert len(undo(log, root=str(root)).undone) == 1


def test_the_last_log_comes_first_and_names_are_new(tmp_path: Path, root: Path) -> None:
    paths = []
    for i in range(3):
        paths.append(new_log(str(tmp_path)))
        change(plan_changes(str(root), [Addition(f"{i}.jpg", b"")]), paths[-1])
    assert len(set(paths)) == 3
    assert [summary.path for summary in list_logs(str(tmp_path))] == paths[::-1]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    with pytest.raises(CbirError, match="cannot list the logs: no such file"):
        list_logs(str(tmp_path / "no"))
