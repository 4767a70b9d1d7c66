"""Killed at any moment, an update leaves what was there and what it had finished."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
]


@pytest.mark.parametrize("way", ["lines", "moments"])
def test_a_killed_update_leaves_sound_codes_and_is_completed(way: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.search.inverted.killing", way, str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
