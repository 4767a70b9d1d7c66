"""Kill an action, or its undo, many times; run as a program by a test.

``lines``: a forked process acts, and exits without any cleaning at the k-th line that it runs of
the modules that touch files. Then the files must be whole, and the log must tell where they are.
``moments``: a forked process acts on many files, and gets SIGKILL at any time.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

from cbir.changes import files, recovery, step_execution, step_runner, trash, undoing
from cbir.core import renaming
from cbir.duplicates.actions import Action, LoggedStep, act, acting, read_log, undo
from tests.duplicates.actions.helpers import Tree, planned, removal, tree, write

KILLED = 9
TRACED = {
    module.__file__
    for module in (acting, recovery, files, renaming, step_execution, step_runner, trash, undoing)
}


_ACTIONS = {"move-across": "move", "move-by-links": "move", "trash": "delete"}

FILES = 24
KILLS = 7


def at_lines(way: str, folder: str, stride: str) -> None:
    """Kill one way of acting at each `stride`-th line; tell how often what was found."""
    os.fsync = lambda _: None  # the system outlives the process
    action: Action = _ACTIONS.get(way, way)  # type: ignore[assignment]
    root, log_path = Path(folder, "photos"), str(Path(folder, "log"))
    os.environ.update(XDG_DATA_HOME=f"{folder}/home", XDG_STATE_HOME=f"{folder}/home")
    for i, name in enumerate(("a", "x/b")):
        write(root, name, mtime=i + 1)
    before = tree(root)
    if way == "move-across":
        _rename_across(root)
    if way == "move-by-links":
        renaming._renameat2 = lambda: None
    for_good = way == "delete"
    made = planned(root, action, removal(root, "a", "x/b"), permanently=for_good)
    found: Counter[str] = Counter()
    acts = undos = 0
    while killed(lambda: act(made, log_path), acts):
        acts += int(stride)
        found[_check(root, log_path, before, for_good)] += 1
    while not for_good and killed(lambda: undo(log_path), undos):
        undos += int(stride)
        found["undo: " + _check(root, log_path, before)] += 1
        act(made, log_path)
    print(way, acts, undos, dict(found))
    assert found["not done"] and found["done"]
    assert for_good or (found["undo: done"] and found["undo: undone"])
    assert bool(found["both"]) == bool(found["undo: both"]) == (way == "move-by-links")
    assert bool(found["aside"]) == (way in ("move-across", "hardlink", "symlink", "delete"))


def _check(root: Path, log_path: str, before: Tree, for_good: bool = False) -> str:
    """Look for what a kill may have done, then take it back; return what the log told."""
    copy, moved = root / "x" / "b", root.parent / "moved" / "x" / "b"
    steps = _read(log_path)
    told = steps[-1].state if steps else "not done"
    assert (root / "a").read_bytes() == b"same"
    assert told in _whereabouts(root, copy, moved), (told, tree(root.parent))
    if os.path.exists(log_path):
        undo(log_path)
        assert not undo(log_path).undone
        os.unlink(log_path)
    if for_good and told == "done":
        write(root, "x/b", mtime=2)
    assert tree(root) == before
    assert set(os.listdir(root.parent)) <= {"photos", "home"}
    # Names that killed runs took in the trash would make each run longer than the one before.
    shutil.rmtree(root.parent / "home", ignore_errors=True)
    return told


def _whereabouts(root: Path, copy: Path, moved: Path) -> tuple[str, ...]:
    """Return what the log may tell, by looking for the copy's contents."""
    there, there_too = (path.exists() and path.read_bytes() == b"same" for path in (copy, moved))
    if there_too:
        return ("both" if there else "done",)
    if there:
        linked = copy.is_symlink() or copy.samefile(root / "a")
        return ("done",) if linked else ("not done", "undone")
    hidden = [*copy.parent.glob(".cbir-*"), *moved.parent.glob(".cbir-*")]
    if any(path.read_bytes() == b"same" for path in hidden):
        return ("aside",)
    return ("done",)  # deleted


def killed(action: Callable[[], object], line: int) -> bool:
    """Run `action` in a process of its own up to a line; say whether it got no further."""
    child = os.fork()
    if child == 0:
        left = line

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            if frame.f_code.co_filename not in TRACED:
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    os._exit(KILLED)
            return trace

        sys.settrace(trace)
        action()
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, KILLED), status
    return status == KILLED


def _rename_across(root: Path) -> None:
    real = files.rename_new

    def rename(source: str, target: str) -> None:
        if (str(root) + os.sep in source) != (str(root) + os.sep in target):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(source, target)

    files.rename_new = rename


def at_moments(way: Action, folder: str) -> None:
    """Kill an action on many files at random moments; tell how many of them had been acted on."""
    root, log_path = Path(folder, "photos"), str(Path(folder, "log"))
    write(root, "kept")
    names = [f"{i % 5}/{i}" for i in range(FILES)]
    for i, name in enumerate(names):
        write(root, name, mtime=i + 1)
    before = tree(root)
    made = planned(root, way, *(removal(root, "kept", name) for name in names))
    duration, dice, found = 0.0, random.Random(0), []
    for kill in range(KILLS + 1):
        start = time.perf_counter()
        child = os.fork()
        if child == 0:
            act(made, log_path)
            os._exit(0)
        if kill:
            time.sleep(duration * dice.random())
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        duration = duration or time.perf_counter() - start
        found.append(_check_all(root, log_path, names))
        if os.path.exists(log_path):
            with mock.patch("os.fsync"):
                undo(log_path)
            os.unlink(log_path)
        assert tree(root) == before and os.listdir(folder) == ["photos"]
    print(way, found)
    assert found[0] == FILES and any(0 < count < FILES for count in found)


def _check_all(root: Path, log_path: str, names: list[str]) -> int:
    """Look for each image at its two places; return how many are done, as the log tells."""
    told = {step.path: step.state for step in _read(log_path)}
    for name in names:
        old, new = root / name, root.parent / "moved" / name
        if not (old.exists() or new.exists()):  # the kill came while it was aside
            assert told[str(old)] == "aside"
            assert any(path.read_bytes() == b"same" for path in old.parent.glob(".cbir-*"))
            continue
        done = not old.exists() or old.samefile(root / "kept")
        assert old.exists() != new.exists()
        assert (old if old.exists() else new).read_bytes() == b"same"
        assert told.get(str(old), "not done") == ("done" if done else "not done")
    return sum(state == "done" for state in told.values())


def _read(log_path: str) -> list[LoggedStep]:
    return read_log(log_path) if os.path.exists(log_path) else []


if __name__ == "__main__":
    {"lines": at_lines, "moments": at_moments}[sys.argv[1]](*sys.argv[2:])  # type: ignore[operator]
