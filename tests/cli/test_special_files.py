"""Pipes and devices in the place of files are refused at once, and never replaced."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DATA, Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")

_SECONDS = 100
"""Far more than a refusal takes, far less than for ever."""


@pytest.fixture
def start(tmp_path: Path) -> Run:
    """Run a command that must end soon, in a folder with an index and a pipe."""

    def start(*arguments: str, **options: Any) -> subprocess.CompletedProcess[Any]:
        command = [sys.executable, "-m", "cbir", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, text=True, capture_output=True, timeout=_SECONDS, **options
        )

    os.mkfifo(tmp_path / "pipe.jpg")
    assert start("index", "--dataset", str(DATA / "cats")).returncode == 0
    return start


@pytest.mark.parametrize("query", ["/dev/zero", "pipe.jpg"])
def test_a_query_that_is_no_regular_file_is_refused_at_once(start: Run, query: str) -> None:
    done = start("search", "--query", query)
    assert done.returncode == 1
    assert query in done.stderr and "not a regular file" in done.stderr


def test_a_list_of_queries_that_never_ends_is_refused(start: Run) -> None:
    with open("/dev/zero", "rb") as endless:
        done = start("search", "--query", "-", "--from0", stdin=endless)
    assert done.returncode == 1 and "more than 256 MiB" in done.stderr


def test_an_index_that_is_a_pipe_is_refused_and_stays(start: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    dataset = str(DATA / "cats")
    for arguments in (
        ("search", "--index", "pipe.csv", "--query", str(DATA / "cats" / "cat-1.jpg")),
        ("index", "--index", "pipe.csv", "--dataset", dataset),
        ("index", "--index", "pipe.csv", "--dataset", dataset, "--rebuild"),
        ("info", "pipe.csv"),
    ):
        done = start(*arguments)
        assert done.returncode != 0 and "pipe.csv" in done.stderr, arguments
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "pipe.csv.cbir").exists()
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe.csv").st_mode)


def test_a_montage_or_a_page_never_replaces_a_pipe(start: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.html")
    query = str(DATA / "cats" / "cat-1.jpg")
    done = start("search", "--query", query, "--montage", "pipe.jpg")
    assert done.returncode != 0 and "pipe.jpg" in done.stderr
    done = start("evaluate", "-i", "index.csv", "--truth", "groups:^(c)", "--failures", "pipe.html")
    assert done.returncode != 0 and "pipe.html" in done.stderr
    for name in ("pipe.jpg", "pipe.html"):
        assert stat.S_ISFIFO(os.stat(tmp_path / name).st_mode)


@pytest.mark.parametrize("truth", ["/dev/zero", "."])
def test_a_truth_that_is_a_device_or_a_folder_is_refused(start: Run, truth: str) -> None:
    done = start("evaluate", "-i", "index.csv", "--truth", truth, "--label", "class")
    assert done.returncode == 1 and f"--truth {truth}" in done.stderr


def test_a_truth_may_come_from_a_command(start: Run, tmp_path: Path) -> None:
    rows = "".join(f"{path.name},{path.name > 'cat-3'}\n" for path in (DATA / "cats").iterdir())
    (tmp_path / "truth.csv").write_text(f"file,class\n{rows}")
    command = f"{sys.executable} -m cbir evaluate -i index.csv"
    script = f"{command} --truth <(cat truth.csv) --label class"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=_SECONDS
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("option", ["--ignore", "--undo"])
def test_lists_of_the_duplicates_command_are_regular_files(start: Run, option: str) -> None:
    more = ("--dataset", str(DATA / "cats")) if option == "--ignore" else ("--yes",)
    done = start("duplicates", *more, option, "pipe.jpg", input="n\n")
    assert done.returncode != 0 and "pipe.jpg" in done.stderr
