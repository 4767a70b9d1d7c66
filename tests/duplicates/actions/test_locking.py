"""Runs at once: on one dataset one after the other, and even without locks nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cbir.changes import step_execution
from cbir.core.errors import CbirError
from cbir.core.folder_locks import locked_folders
from cbir.duplicates.actions import act, checking, read_log, undo
from tests.duplicates.actions.helpers import planned, removal, write

PAIRS = 60


def test_waiting_ends_when_the_other_run_does(root: Path, tmp_path: Path) -> None:
    write(root, "a")
    write(root, "b")
    made = planned(root, "move", removal(root, "a", "b"))
    with locked_folders([str(root)]):
        with pytest.raises(CbirError, match="another run"):
            act(made, str(tmp_path / "log"))
        assert not (tmp_path / "log").exists()
        waiting = threading.Thread(target=act, args=(made, str(tmp_path / "log"), None, True))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive() and (root / "b").exists()
    waiting.join()
    assert not (root / "b").exists()
    with locked_folders([str(tmp_path / "moved")]), pytest.raises(CbirError, match="another run"):
        undo(str(tmp_path / "log"))


@pytest.fixture
def pairs(tmp_path: Path) -> Iterator[Path]:
    """Identical pairs, which two runs come to in the same order."""
    folder = tmp_path / "ds"
    for i in range(PAIRS):
        for name, mtime in (("sub/x", 0), ("sub", 1)):
            path = folder / name / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (9, 9), (i, 200 - i, 3 * i)).save(path)
            os.utime(path, (1_000_000_000 + mtime, 1_000_000_000 + mtime))
    yield folder
    shutil.rmtree(folder)


def contents(*folders: Path) -> set[bytes]:
    return {path.read_bytes() for each in folders for path in each.rglob("*.png") if path.exists()}


COMMANDS = {
    "delete": [["-d", "ds"], ["-d", "ds"]],
    "symlink": [["-d", "ds"], ["-d", "ds"]],
    "nested": [["-d", "ds"], ["-d", "ds/sub"]],
    "references": [["-d", "ds", "--reference", "ds2"], ["-d", "ds2", "--reference", "ds"]],
}


@pytest.mark.parametrize("case", COMMANDS)
def test_two_commands_at_once_never_lose_both_copies(
    pairs: Path, tmp_path: Path, case: str
) -> None:
    shutil.copytree(pairs, tmp_path / "ds2")
    before = contents(pairs)
    action = ["symlink"] if case == "symlink" else ["delete", "--permanently"]
    command = [sys.executable, "-m", "cbir", "duplicates", "--level", "exact", "--yes", "--quiet"]
    command += ["--action", *action]
    runs = [
        subprocess.Popen(
            [*command, *where, "--keep", keep, "--log", f"{keep}.log"],
            cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        )
        for keep, where in zip(("oldest", "newest"), COMMANDS[case], strict=True)
    ]  # fmt: skip
    told = [run.communicate(timeout=100)[1] for run in runs]
    folders = (pairs, tmp_path / "ds2") if case == "references" else (pairs,)
    assert contents(*folders) == before, told
    assert not [path for each in folders for path in each.rglob("*") if path.name[0] == "."]
    assert 0 in {run.returncode for run in runs}, told
    # The later run may also find that the earlier one has removed all that it would look at.
    gone = ("there is no image", "files could be read") if case == "references" else ()
    for run, text in zip(runs, told, strict=True):
        assert run.returncode == 0 or any(excuse in text for excuse in ("another run", *gone)), told


@pytest.mark.parametrize("action", ["delete", "symlink", "hardlink", "move"])
def test_even_without_locks_two_runs_never_lose_both(
    root: Path, tmp_path: Path, monkeypatch: Any, action: Any
) -> None:
    """At every step of one run, when it has read both files, the other run does the opposite."""
    for name in "abcd":
        write(root, name)
    for_good = action == "delete"
    pairs = (("a", "b"), ("c", "d"))
    made = planned(root, action, *(removal(root, *pair) for pair in pairs), permanently=for_good)
    other = planned(
        root, action, *(removal(root, *pair[::-1]) for pair in pairs), permanently=for_good
    )
    monkeypatch.setattr("cbir.duplicates.actions.acting.locked_folders", lambda *_: ExitStack())
    real = step_execution.execute
    logs = [str(tmp_path / "log"), str(tmp_path / "other")]

    def execute(*arguments: Any) -> None:
        monkeypatch.setattr("cbir.duplicates.actions.acting.execute", real)
        act(other, logs[1])
        real(*arguments)

    monkeypatch.setattr("cbir.duplicates.actions.acting.execute", execute)
    report = act(made, logs[0])
    if action != "hardlink":  # which is done, when the other one has made the two one file
        assert not report.done and len(report.skipped) == 2
        assert {step.state for step in read_log(logs[0])} == {"skipped"}
    assert {step.state for step in read_log(logs[1])} == {"done"}
    assert all((root / name).read_bytes() == b"same" for name in "bd")
    assert not list(root.glob(".cbir*"))


@pytest.mark.parametrize("action", ["delete", "symlink", "move", "trash"])
def test_a_copy_comes_back_when_the_kept_image_is_lost_as_it_goes(
    root: Path, tmp_path: Path, monkeypatch: Any, action: Any
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    for name in [name for name in sys.modules if name.startswith("send2trash")]:
        monkeypatch.delitem(sys.modules, name)
    for name in "abcd":
        write(root, name)
    kind = "delete" if action == "trash" else action
    pairs = [removal(root, *pair) for pair in (("a", "b"), ("c", "d"))]
    made = planned(root, kind, *pairs, permanently=action == "delete")
    real = checking.confirm_kept

    def confirm(*checked: Any) -> None:
        if not (root / "b").exists() or (root / "b").is_symlink():
            (root / "a").write_bytes(b"else")
        real(*checked)

    monkeypatch.setattr("cbir.duplicates.actions.acting.confirm_kept", confirm)
    report = act(made, str(tmp_path / "log"))
    assert [told.reason for told in report.skipped] == ["the kept image a was changed just now"]
    assert [step.removal.copy for step in report.done] == ["d"]
    assert (root / "b").read_bytes() == b"same" and not (root / "b").is_symlink()
