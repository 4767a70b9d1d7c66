"""SIGKILL at random moments: the old index or the new one, and nothing is lost."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cbir
from tests.conftest import DATA, Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

KILLS = 20


def test_a_killed_run_leaves_the_old_index_or_the_new_and_is_completed(
    run: Run, tmp_path: Path
) -> None:
    dataset = tmp_path / "data"
    shutil.copytree(DATA / "cats", dataset / "cats")
    query = dataset / "cats" / "cat-1.jpg"
    run("index", "-d", "data", "-i", "vocabulary.csv", "--descriptor", "orb:words=200")
    flags = ["-d", "data", "--vocabulary", "vocabulary.csv"]
    flags += ["--descriptor", "hsv", "--descriptor", "orb:words=200", "--descriptor", "hog"]
    run("index", *flags)
    for folder in ("sunsets", "windmills", "flowers", "city-night"):
        shutil.copytree(DATA / folder, dataset / folder)
    old = (tmp_path / "index.csv").read_bytes()
    shutil.copytree(tmp_path / "index.csv.cbir", tmp_path / "backup.cbir")
    shutil.copy2(tmp_path / "index.csv", tmp_path / "backup.csv")
    clean, duration = _clean_index(run, flags, tmp_path)
    outcomes = []
    for moment in random.Random(0).choices(range(1000), k=KILLS):
        command = [sys.executable, "-m", "cbir", "index", *flags]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
            time.sleep(duration * (0.2 + 0.85 * moment / 1000))
            during = cbir.open(str(tmp_path / "index.csv")).search(query, descriptor="orb")
            process.kill()
        after = cbir.open(str(tmp_path / "index.csv"))
        result = after.search(query, descriptor="orb")
        assert during.matches[0].distance == result.matches[0].distance == 0
        content = (tmp_path / "index.csv").read_bytes()
        assert content in (old, clean)
        assert len(after) == (5 if content == old else len(clean.splitlines()) - 1)
        outcomes.append(content == clean)
        if content == clean:
            _restore(tmp_path)
    done = run("index", *flags)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.csv").read_bytes() == clean
    assert run("info").stdout.endswith("sound     yes\n")
    leftovers = [path.name for path in (tmp_path / "index.csv.cbir").rglob("*.new")]
    assert leftovers == [] and not (tmp_path / "index.csv.cbir" / "journal").exists()
    assert any(outcomes) and not all(outcomes)


def _clean_index(run: Run, flags: list[str], folder: Path) -> tuple[bytes, float]:
    start = time.perf_counter()
    done = run("index", *flags, "-i", "clean.csv")
    assert done.returncode == 0, done.stderr
    return (folder / "clean.csv").read_bytes(), time.perf_counter() - start


def _restore(folder: Path) -> None:
    """Put the old index back, so that the next kill meets the whole run again."""
    shutil.rmtree(folder / "index.csv.cbir")
    shutil.copytree(folder / "backup.cbir", folder / "index.csv.cbir")
    shutil.copy2(folder / "backup.csv", folder / "index.csv")
