"""Ctrl-C ends every command with exit code 130 and a line, wherever it comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Run, can_be_interrupted

INTERRUPTED_AT = """
import os, signal, sys
from cbir import cli

class Finder:
    def find_spec(self, name, *_):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
cli.{entry}()
"""

MOMENTS = [
    ("main", "click"),
    ("main", "cbir.cli.duplicates.command"),
    ("main", "cbir.duplicates.grouping"),
    ("main", "numpy._core._multiarray_umath"),
    ("main", "cv2"),
    ("run_search", "cbir.cli.search.command"),
    ("run_search", "numpy.dtypes"),
    ("run_index", "cbir.cli.index"),
    ("run_index", "cbir.indexing.build"),
]


@pytest.mark.parametrize(("entry", "module"), MOMENTS)
def test_ctrl_c_during_an_import(photos: Path, tmp_path: Path, entry: str, module: str) -> None:
    arguments = {
        "main": ["duplicates", "photos"],
        "run_index": ["photos"],
        "run_search": ["photos/cats/cat-1.jpg", "--dataset", "photos"],
    }[entry]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT.format(entry=entry, module=module), *arguments],
        cwd=tmp_path, preexec_fn=can_be_interrupted, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert done.stderr.startswith("\nInterrupted.") and done.stderr.count("\n") == 2
    assert done.stdout == ""


STARTING = """
import os, signal, sys, threading, time
from cbir.cli.interrupts import raised

class Interrupt:
    def __init__(self):
        self._lock = threading.Lock()
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self):
        self._lock.acquire()
        os.kill(os.getpid(), signal.SIGINT)  # the lock is taken, and nobody knows yet

    def __exit__(self, *_):
        self._lock.release()

class Started(threading.Event):
    def wait(self, timeout=None):
        os.kill(os.getpid(), signal.SIGINT)
        return super().wait(timeout)

signal.signal(signal.SIGINT, signal.default_int_handler)
from cbir.cli.interrupts import end_at_once
end_at_once()
with raised():
    try:
        if sys.argv[1] == "thread":
            thread = threading.Thread(target=time.sleep, args=[0])
            thread._started = Started()
            thread.start()
        else:
            with threading.Condition(Interrupt()):
                pass
        print("done", flush=True)
        time.sleep(20)
        print("never interrupted")
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.parametrize("moment", ["thread", "condition"])
def test_ctrl_c_comes_after_a_lock_is_taken_and_a_thread_started(moment: str) -> None:
    """An exception in between would leave the lock taken, and the program would never end."""
    done = subprocess.run(
        [sys.executable, "-c", STARTING, moment], capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["done", "interrupted"], done.stderr


PLUG_IN = """
import click, os, signal

@click.command()
def rest():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        click.echo("cleaned up")
"""


def test_ctrl_c_in_a_command_of_a_plug_in(run: Run, tmp_path: Path) -> None:
    (tmp_path / "resting.py").write_text(PLUG_IN, encoding="utf-8")
    info = tmp_path / "resting-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: resting\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[cbir.commands]\nrest = resting:rest\n")
    done = run("rest", preexec_fn=can_be_interrupted)
    assert (done.returncode, done.stdout) == (130, "cleaned up\n")
    assert done.stderr == "\nInterrupted.\n"


def test_who_ignores_ctrl_c_for_us_is_obeyed(run: Run) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    code = INTERRUPTED_AT.format(entry="main", module="cbir.cli.presets")
    command = [sys.executable, "-c", code, "presets"]
    done = subprocess.run(command, preexec_fn=ignore, capture_output=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith(b"fast")


@pytest.mark.parametrize("request_", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_that_is_asked_to_end_leaves_no_temporary_folder(
    photos: Path, tmp_path: Path, request_: signal.Signals
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    started = subprocess.Popen(
        [sys.executable, "-m", "cbir", "duplicates", "photos", "--level", "edited"],
        cwd=tmp_path, preexec_fn=can_be_interrupted, env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not any(folder.glob("cbir-*/index.csv.cbir")) and time.monotonic() < until:
        time.sleep(0.005)
    started.send_signal(request_)
    _, told = started.communicate(timeout=60)
    assert started.returncode == (130 if request_ == signal.SIGINT else 128 + request_)
    assert "Traceback" not in told and list(folder.iterdir()) == []
