"""``cbir info`` and ``cbir descriptors``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..conftest import Run


def test_info_says_what_an_index_holds(run: Run, photos: Path) -> None:
    run("index", "-d", photos, "--descriptor", "hsv", "--descriptor", "small=orb:words=40")
    done = run("info", "index.csv")
    assert done.returncode == 0
    assert f"dataset   {photos}\n" in done.stdout
    assert "pictures  12 (" in done.stdout
    assert "hsv = hsv:layout=grid: 1,536 numbers, 1,536 bytes a picture" in done.stdout
    assert "small = orb:features=1000,words=40,upright=False" in done.stdout
    assert done.stdout.endswith("sound     yes\n")
    document = json.loads(run("info", "--format", "json").stdout)
    assert document["sound"] and document["pictures"] == 12
    assert [one["alias"] for one in document["descriptors"]] == ["hsv", "small"]


def test_info_says_what_is_wrong(run: Run, photos: Path, tmp_path: Path) -> None:
    run("index", "-d", photos, "--descriptor", "orb:words=40")
    shutil.rmtree(tmp_path / "index.csv.cbir" / "state")
    done = run("info", "index.csv")
    assert done.returncode == 1
    assert "fault     index.csv.cbir" in done.stdout.replace(f"{tmp_path}/", "")
    assert done.stdout.endswith("sound     no\n")
    photos.rename(tmp_path / "elsewhere")
    assert "the dataset is not at" in run("info", "index.csv").stderr


def test_descriptors_are_listed(run: Run) -> None:
    done = run("descriptors")
    for name in ("hsv", "hog", "orb", "phash", "pdq", "dhash", "ahash", "whash", "colorhash"):
        assert f"\n{name} " in "\n" + done.stdout
    assert "parameters: size=128, cells=8, blocks=2, orientations=9" in done.stdout
    listed = {
        entry["name"]: entry for entry in json.loads(run("descriptors", "--format", "json").stdout)
    }
    assert listed["phash"]["dimension"] == 256
    assert listed["hsv"]["parameters"] == {"layout": "grid"}
