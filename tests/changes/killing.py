"""Kill an addition or a deletion, or its undo, many times; run as a program by a test.

``lines``: a forked process changes a dataset, and exits without any cleaning at the k-th line that
it runs of the modules that touch files. Then a new image is there as a whole or not at all, no
image is lost, and the log must tell which it is. ``moments``: a forked process adds many images,
and gets SIGKILL at any time.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from cbir.changes import (
    Addition,
    ChangePlan,
    LoggedStep,
    change,
    changing,
    plan_changes,
    read_log,
    undo,
)
from cbir.core import renaming
from tests.changes.helpers import deletion
from tests.duplicates.actions.helpers import Tree, tree, write
from tests.duplicates.actions.killing import TRACED, killed

DATA = b"new" * 1000
FILES = 30
KILLS = 7


def at_lines(way: str, folder: str) -> None:
    """Kill one way of changing at each line; tell how often what was found."""
    os.fsync = lambda _: None  # the system outlives the process
    TRACED.add(changing.__file__)
    root, log_path = Path(folder, "photos"), str(Path(folder, "log"))
    os.environ.update(XDG_DATA_HOME=f"{folder}/home", XDG_STATE_HOME=f"{folder}/home")
    write(root, "a.jpg", b"old")
    if way == "add-by-links":
        renaming._renameat2 = lambda: None
    before = tree(root)
    gone = [deletion(root, "a.jpg")] if way == "delete" else []
    added = [] if way == "delete" else [Addition("x/y/b.jpg", DATA)]
    made = plan_changes(str(root), added, gone)
    found: Counter[str] = Counter()
    acts = undos = 0
    while killed(lambda: change(made, log_path), acts):
        acts += 1
        found[_check(root, log_path, before, made, go_on=acts % 2 == 0)] += 1
    while killed(lambda: undo(log_path), undos):
        undos += 1
        found["undo: " + _check(root, log_path, before, made, go_on=False)] += 1
        change(made, log_path)
    print(way, acts, undos, dict(found))
    assert found["not done"] and found["done"] and found["undo: done"] and found["undo: undone"]


def _check(root: Path, log_path: str, before: Tree, made: ChangePlan, go_on: bool) -> str:
    """Compare the log with the files, go on with the plan, undo it; return what the log told."""
    steps = _steps(log_path)
    told = steps[-1].state if steps else "not done"
    new, old = root / "x" / "y" / "b.jpg", root / "a.jpg"
    if made.steps[0].path == str(new):
        assert new.exists() == (told == "done"), (told, tree(root))
        assert not new.exists() or new.read_bytes() == DATA
        assert old.exists()
    else:
        assert old.exists() == (told != "done")
    if os.path.exists(log_path):
        if go_on:
            change(made, log_path)
            assert not list(root.rglob(".cbir-*"))
        undo(log_path)
        assert not undo(log_path).undone
        os.unlink(log_path)
    assert tree(root) == before and os.listdir(root) == ["a.jpg"]
    assert set(os.listdir(root.parent)) <= {"photos", "home"}
    # Names that killed runs took in the trash would make each run longer than the one before.
    shutil.rmtree(root.parent / "home", ignore_errors=True)
    return told


def _steps(log_path: str) -> list[LoggedStep]:
    return read_log(log_path) if os.path.exists(log_path) else []


def at_moments(folder: str) -> None:
    """Kill additions at random moments; tell how many of them had been done."""
    root, log_path = Path(folder, "photos"), str(Path(folder, "log"))
    os.environ.update(XDG_DATA_HOME=f"{folder}/home", XDG_STATE_HOME=f"{folder}/home")
    root.mkdir()
    additions = [Addition(f"{i % 5}/{i}.jpg", b"%d" % i * 100_000) for i in range(FILES)]
    made = plan_changes(str(root), additions)
    duration, dice, found = 0.0, random.Random(0), []
    for kill in range(KILLS + 1):
        start = time.perf_counter()
        child = os.fork()
        if child == 0:
            change(made, log_path)
            os._exit(0)
        if kill:
            time.sleep(duration * dice.random())
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        duration = duration or time.perf_counter() - start
        states = {step.path: step.state for step in _steps(log_path)}
        for addition in additions:
            path = root / addition.path
            assert path.exists() == (states.get(str(path)) == "done")
            assert not path.exists() or path.read_bytes() == addition.data
        found.append(sum(state == "done" for state in states.values()))
        if kill and found[-1] == FILES:
            duration /= 2  # the first run was slower than those after it: kill sooner
        if os.path.exists(log_path):
            undo(log_path)
            os.unlink(log_path)
        assert os.listdir(root) == []
    print(found)
    assert found[0] == FILES and any(0 < count < FILES for count in found)


if __name__ == "__main__":
    {"lines": at_lines, "moments": at_moments}[sys.argv[1]](*sys.argv[2:])  # type: ignore[operator]
