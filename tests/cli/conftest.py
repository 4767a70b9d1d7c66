"""What many tests of commands use."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from cbir.cli.group import cli
from tests.conftest import Run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``cbir …`` in the test's folder, in this process: nothing has to start up."""
    monkeypatch.chdir(tmp_path)

    def here(*arguments: str | Path, **options: str) -> subprocess.CompletedProcess[str]:
        command = [os.fspath(argument) for argument in arguments]
        done = CliRunner().invoke(cli, command, catch_exceptions=False, **options)
        return subprocess.CompletedProcess(command, done.exit_code, done.stdout, done.stderr)

    return here
