"""Machine code is made once, kept for the user, and nothing that is wrong with it harms anyone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cbir.core import machine_code
from cbir.core.machine_code import Loop
from cbir.search.exact.kernels import HAMMING

SCRIPT = """
import sys
import numpy as np
from cbir.search.exact.kernels import HAMMING

run = HAMMING.ready()
rows, out = np.arange(6, dtype=np.uint64), np.zeros(3, np.int32)
if run is not None:
    run(rows[:2], rows, 3, 2, out)
print(out.tolist(), "numba" in sys.modules)
"""

FOUND = "[0, 2, 2] False\n"
MISSED = "[0, 0, 0] False\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for machine code that has none."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    machine_code._begun.clear()
    return tmp_path


def in_another_program() -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=100, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_another_program_runs_what_was_compiled_without_numba(folder: Path) -> None:
    assert in_another_program() == MISSED
    HAMMING.compile()
    assert [path.parent for path in folder.rglob("*.loop")] == [folder]
    assert in_another_program() == FOUND


def test_what_is_kept_is_the_users_alone_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        HAMMING.compile()
    finally:
        os.umask(before)
    assert HAMMING.path.stat().st_mode & 0o777 == 0o600
    assert in_another_program() == FOUND


def test_compiling_meanwhile_is_not_waited_for_and_done_once(folder: Path) -> None:
    for _ in range(3):
        HAMMING.compile_meanwhile()
    assert HAMMING.ready() is None
    while not HAMMING.path.exists():
        time.sleep(0.05)
    assert HAMMING.ready() is not None
    assert len(list(folder.iterdir())) == 1


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-300] ^= 1
    path.write_bytes(data)


def made_writable_for_all(path: Path) -> None:
    path.chmod(0o666)


def made_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "damage", [emptied, cut_short, changed, made_a_pipe, made_writable_for_all]
)
def test_damaged_machine_code_is_a_miss_and_is_removed(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    HAMMING.compile()
    damage(HAMMING.path)
    assert in_another_program() == MISSED
    assert not HAMMING.path.exists()


def test_a_folder_that_cannot_be_written_to_keeps_nothing_and_harms_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/proc/nowhere")
    HAMMING.compile()
    assert HAMMING.ready() is None


def test_embedded_in_another_program_nothing_is_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/usr/bin/server")
    HAMMING.compile()
    assert list(folder.iterdir()) == []


def plus_one(values, count, out):  # type: ignore[no-untyped-def]
    for i in range(count):
        out[i] = values[i] + 1


def plus_two(values, count, out):  # type: ignore[no-untyped-def]
    for i in range(count):
        out[i] = values[i] + 2


def test_another_source_or_other_types_are_another_loop(folder: Path) -> None:
    types = ("int64*", "int64", "int64*")
    loops = [Loop(plus_one, types), Loop(plus_two, types)]
    loops += [Loop(plus_one, ("float32*", "int64", "float32*"))]
    assert len({loop.path for loop in loops}) == 3
    values, out = np.arange(5), np.zeros(5, np.int64)
    for loop, added in zip(loops[:2], (1, 2), strict=True):
        loop.compile()
        run = loop.ready()
        assert run is not None
        run(values, 5, out)
        assert out.tolist() == (values + added).tolist()


THREADS_AND_FORKS = """
import os
import sys
import threading
import numpy as np
from cbir.core.machine_code import Loop
from cbir.search.exact.kernels import loop_of

loops = [loop_of(name, np.dtype(kind)) for name in ("chi2", "euclidean") for kind in ("u1", "f4")]
for loop in loops:
    loop.compile()
barrier, failed = threading.Barrier(8), []

def use(loop):
    barrier.wait()
    rows, out = np.ones(40, loop.arguments[1][:-1]), np.ones(4, np.float32)
    for _ in range(200):
        loop.ready()(np.ones(10, np.float32), rows, 4, 10, 0, 1.0, out)
        if out.any():
            failed.append(loop)

threads = [threading.Thread(target=use, args=(loop,)) for loop in loops * 2]
for thread in threads:
    thread.start()
children = []
for _ in range(20):
    child = os.fork()
    if not child:
        rows, out = np.ones(40, np.uint8), np.ones(4, np.float32)
        loops[0].ready()(np.ones(10, np.float32), rows, 4, 10, 0, 1.0, out)
        os._exit(int(out.any()))
    children.append(child)
for thread in threads:
    thread.join()
sys.exit(bool(failed) or any(os.waitpid(child, 0)[1] for child in children))
"""


def test_threads_and_forked_children_may_load_loops_at_the_same_time(folder: Path) -> None:
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", THREADS_AND_FORKS], capture_output=True,
            text=True, timeout=100, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
