"""Killed at any moment: a new image is there as a whole or not at all, and the log tells which."""

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


def killing(*arguments: str) -> str:
    command = [sys.executable, "-m", "tests.changes.killing", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("way", ["add", "add-by-links", "delete"])
def test_a_kill_at_any_line_leaves_a_whole_image_or_none(way: str, tmp_path: Path) -> None:
    killing("lines", way, str(tmp_path))


def test_a_kill_at_any_moment_leaves_whole_images_or_none(tmp_path: Path) -> None:
    killing("moments", str(tmp_path))
