"""Killed at any moment: every image is there once, and the log tells where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
]


def killing(*arguments: str) -> None:
    command = [sys.executable, "-m", "tests.duplicates.actions.killing", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stdout + done.stderr


WAYS = ["move", "move-across", "move-by-links", "hardlink", "symlink", "delete", "trash"]


@pytest.mark.parametrize("way", WAYS)
def test_a_kill_at_any_line_loses_nothing_and_is_told(way: str, tmp_path: Path) -> None:
    # Both names are there for three lines.
    killing("lines", way, str(tmp_path), "2" if way == "move-by-links" else "4")


@pytest.mark.parametrize("action", ["move", "hardlink"])
def test_a_kill_at_any_moment_loses_nothing_and_is_told(action: str, tmp_path: Path) -> None:
    killing("moments", action, str(tmp_path))
