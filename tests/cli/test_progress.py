"""Long work is told where standard error is no terminal: in plain lines, not many."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

from cbir.cli.progress import PAUSE, Lines
from tests.conftest import Run

WORK = """
import time
from cbir.cli import progress
progress.PAUSE = {pause}
with progress.TerminalProgress(quiet={quiet}) as listener:
    listener.begin("Describing", 40)
    for _ in range(40):
        time.sleep(0.005)
        listener.advance()
"""


def said(quiet: bool = False, pause: float = 0.01) -> str:
    code = WORK.format(quiet=quiet, pause=pause)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stderr


def test_long_work_tells_plain_lines_in_a_pipe() -> None:
    lines = said().splitlines()
    assert 5 <= len(lines) <= 9
    pattern = r"Describing: [\d,]+ of 40 images, \d+ s; about \d+ s left"
    assert all(re.fullmatch(pattern, line) for line in lines)


def test_short_work_and_quiet_work_tell_nothing() -> None:
    assert said(pause=PAUSE) == ""
    assert said(quiet=True) == ""


def lines_of(total: int, seconds_a_step: float) -> list[float]:
    """Return the times at which there is a line."""
    now = 0.0
    lines = Lines("Describing", total, "images", clock=lambda: now)
    times = []
    for _ in range(total):
        now += seconds_a_step
        if lines.after(1):
            times.append(now)
    return times


def test_fast_work_tells_each_half_minute_and_slow_work_each_tenth() -> None:
    assert lines_of(1000, 0.02) == []  # 20 seconds in all
    fast = lines_of(1000, 0.1)  # 100 seconds: a tenth takes 10
    assert [round(time) for time in fast] == [30, 60, 90]
    slow = lines_of(1000, 1.0)  # a tenth takes 100 seconds
    assert [round(time) for time in slow] == list(range(100, 1000, 100))


def test_many_queries_have_a_bar_on_the_terminal_while_the_results_go_elsewhere(
    run: Run, photos: Path
) -> None:
    assert run("index", "-d", "photos", "--quiet").returncode == 0
    queries = sorted(map(str, photos.rglob("*.jpg"))) * 3
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with os.fdopen(ours, "rb") as terminal:
        done = run(
            *["search", "--no-montage", *queries],
            stdout=subprocess.PIPE, stderr=theirs, text=False,
        )  # fmt: skip
        os.set_blocking(ours, False)
        told = terminal.read(1 << 16)
        os.close(theirs)
    assert done.returncode == 0 and done.stdout.count(b"hsv, chi2") == len(queries)
    assert b"searching" in told and b"queries/s" in told
    assert b"searching" not in done.stdout
