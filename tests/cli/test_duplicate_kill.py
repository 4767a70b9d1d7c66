"""``cbir duplicates --action move`` is killed at random moments: no image is ever lost."""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from cbir.duplicates.actions import read_log, undo
from tests.conftest import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COPIES = 40
KILLS = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    image = PROJECT / "data" / "cats" / "cat-1.jpg"
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(COPIES + 1):
        shutil.copy(image, photos / f"{number:02}.jpg")
    index = [sys.executable, "-m", "cbir", "duplicates", "-d", str(photos), "--quiet"]
    subprocess.run([*index, "-i", str(tmp_path / "i.csv")], check=True, capture_output=True)
    return tmp_path


def start(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cbir", "duplicates", "--index", str(folder / "i.csv")]
    command += ["--action", "move", "--move-to", str(folder / "moved"), "--yes", "--quiet"]
    return subprocess.Popen([*command, "--log", str(log)], stderr=subprocess.PIPE)


def written(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def names(*folders: Path) -> Counter[str]:
    return Counter(
        path.name for folder in folders if folder.exists() for path in folder.rglob("*.jpg")
    )


def test_every_image_is_there_once_and_the_log_tells_where(folder: Path) -> None:
    photos, moved = folder / "photos", folder / "moved"
    whole = Counter(f"{number:02}.jpg" for number in range(COPIES + 1))
    content = hashlib.sha256((photos / "00.jpg").read_bytes()).digest()
    chance, outcomes = random.Random(0), Counter[str]()
    for kill in range(KILLS):
        log = folder / f"{kill}.log"
        process = start(folder, log)
        lines = chance.randrange(1, COPIES)
        while process.poll() is None and written(log) < lines:
            pass
        time.sleep(chance.uniform(0, 0.005))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert names(photos, moved) == whole
        steps = {Path(step.path).name: step.state for step in read_log(str(log))}
        for path in photos.rglob("*.jpg"):
            assert hashlib.sha256(path.read_bytes()).digest() == content
            assert steps.get(path.name, "not done") == "not done"
        for path in moved.rglob("*.jpg"):
            assert hashlib.sha256(path.read_bytes()).digest() == content
            assert steps[path.name] == "done"
            outcomes["moved"] += 1
        outcomes["killed midway"] += 0 < len(names(moved)) < COPIES
        undo(str(log))
        assert names(photos) == whole and not names(moved)
    assert outcomes["moved"] and outcomes["killed midway"]
