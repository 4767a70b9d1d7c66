"""Commands in odd surroundings: another locale, closed standard streams."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_bad_input import assert_refused
from tests.conftest import Run

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_names_are_the_same_in_a_locale_without_utf_8(run: Run, photos: Path) -> None:
    env = {**os.environ, **ASCII}
    shutil.copy(photos / "sky" / "galaxies-1.jpg", photos / "sky" / "ö.jpg")
    shutil.copy(photos / "sky" / "galaxies-1.jpg", os.fsencode(photos / "sky") + b"/bad\xff.jpg")
    assert run("index", "-d", "photos", env=env).returncode == 0
    found = run("search", "-q", "photos/sky/ö.jpg", "--format", "json", "--no-montage", env=env)
    paths = [one["path"] for one in json.loads(found.stdout)[0]["results"]]
    assert "photos/sky/ö.jpg" in paths and "photos/sky/bad\ufffd.jpg" in paths
    copies = run("duplicates", "-d", "photos", "--format", "csv", env=env)
    assert copies.returncode == 0, copies.stderr
    rows = list(csv.DictReader(io.StringIO(copies.stdout)))
    assert "photos/sky/ö.jpg" in [row["path"] for row in rows]
    measured = run("evaluate", "-i", "index.csv", env=env)
    assert measured.returncode == 0 and "±" in measured.stdout, measured.stderr
    assert "0 added, 14 reused" in run("index", "-d", "photos").stderr


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_give_no_traceback(run: Run, photos: Path, closing: str) -> None:
    assert run("index", "-d", "photos").returncode == 0
    command = f"{sys.executable} -m cbir search -q photos/cats/cat-1.jpg --no-montage {closing}"
    done = subprocess.run(
        command, shell=True, cwd=photos.parent, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (1 if " >&-" in f" {closing}" else 0)


def test_a_closed_standard_input_is_told_of(run: Run, photos: Path) -> None:
    assert run("index", "-d", "photos").returncode == 0
    command = f"{sys.executable} -m cbir search -q - --no-montage <&-"
    done = subprocess.run(
        command, shell=True, cwd=photos.parent, capture_output=True, text=True, check=False
    )
    assert_refused(done, "standard input is closed")
