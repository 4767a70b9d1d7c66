"""``cbir info``, ``cbir descriptors`` and ``cbir presets``."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from cbir.core.atomic_files import save_arrays
from cbir.descriptors.local_features.orb import OrbExtractor
from cbir.descriptors.presets import PRESETS, Preset
from cbir.descriptors.state import TRAINED, with_origin
from cbir.stores.features.store import FeatureStore
from tests.conftest import Run
from tests.palette import FIRST, SECOND, ship


def test_info_says_what_an_index_holds(run: Run, photos: Path) -> None:
    run("index", "-d", photos, "--descriptor", "hsv", "--descriptor", "small=orb:words=40")
    done = run("info", "index.csv")
    assert done.returncode == 0
    assert f"dataset   {photos}\n" in done.stdout
    assert "images    12 (" in done.stdout
    assert "hsv = hsv:layout=grid,compare=roots: 1,536 numbers, 1,536 bytes an image" in done.stdout
    assert "small = orb:features=1000,words=40,upright=False" in done.stdout
    assert done.stdout.endswith("sound     yes\n")
    document = json.loads(run("info", "--format", "json").stdout)
    assert document["sound"] and document["images"] == 12
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


@pytest.mark.parametrize("damage", ["gone", "flipped", "kept time", "one gone", "forged"])
def test_info_misses_local_features(run: Run, photos: Path, tmp_path: Path, damage: str) -> None:
    run("index", "-d", photos, "--descriptor", "hsv", "--descriptor", "orb:words=40")
    told = run("info", "index.csv")
    assert told.returncode == 0 and "the local features of 12 images\n" in told.stdout
    (place,) = (tmp_path / "index.csv.cbir" / "features").iterdir()
    segment = place / "00000000.segment"
    raw, times = segment.read_bytes(), segment.stat()
    if damage == "gone":
        shutil.rmtree(place.parent)
    elif damage in ("flipped", "kept time"):
        segment.write_bytes(raw[:-100] + bytes([raw[-100] ^ 1]) + raw[-99:])
        if damage == "kept time":
            os.utime(segment, ns=(times.st_atime_ns, times.st_mtime_ns))
    else:
        fields = OrbExtractor.fields
        keys = list(FeatureStore(str(place), fields).keys())
        shutil.copytree(place, tmp_path / "old")
        shutil.rmtree(place)
        nothing = {"size": np.zeros(0, np.int32), "features": np.zeros(0, np.uint8)}
        with FeatureStore(str(place), fields) as store:
            old = FeatureStore(str(tmp_path / "old"), fields)
            for key in keys[1:] if damage == "one gone" else keys:
                store.append(key, old.get(key) if damage == "one gone" else nothing)
    files = sorted(tmp_path.rglob("index.csv.cbir/features/**/*"))
    told = run("info", "index.csv")
    count = "12 images" if damage in ("gone", "forged") else "1 image"
    assert told.returncode == 1 and told.stdout.endswith("sound     no\n")
    assert f"the local features of {count} are missing or damaged" in told.stdout
    remedy = ["--rebuild"] if damage == "kept time" else []
    assert ("--rebuild" in told.stdout) == bool(remedy)
    assert sorted(tmp_path.rglob("index.csv.cbir/features/**/*")) == files
    assert run("index", "-d", photos, *remedy).returncode == 0
    assert run("info", "index.csv").stdout.endswith("sound     yes\n")


def test_descriptors_are_listed(run: Run) -> None:
    done = run("descriptors")
    for name in ("hsv", "hog", "orb", "phash", "pdq", "dhash", "ahash", "whash", "colorhash"):
        assert f"\n{name} " in "\n" + done.stdout
    assert "parameters: size=128, cells=8, blocks=2, orientations=9" in done.stdout
    listed = {
        entry["name"]: entry for entry in json.loads(run("descriptors", "--format", "json").stdout)
    }
    assert listed["phash"]["dimension"] == 256
    assert listed["hsv"]["parameters"] == {"layout": "grid", "compare": "roots"}
    assert listed["hsv"]["trained"] is None
    assert listed["orb"]["trained"] == {"state": "vocabulary", "shipped": []}


def test_shipped_models_are_listed_and_told_from_others(
    here: Run, package: Path, photos: Path, tmp_path: Path
) -> None:
    ship(package, FIRST)
    assert "model: comes with cbir for levels=4\n" in here("descriptors").stdout
    (palette,) = (
        one
        for one in json.loads(here("descriptors", "--format", "json").stdout)
        if one["name"] == "palette"
    )
    assert palette["trained"] == {"state": "model", "shipped": [{"levels": 4}]}
    save_arrays(str(tmp_path / "own.npz"), with_origin(SECOND, TRAINED))
    specs = ("--descriptor", "palette", "--descriptor", "orb:words=20")
    here("index", "-d", photos, *specs)
    told = here("info").stdout
    assert "bytes an image, model that comes with cbir\n" in told
    assert "local features, beside the rows, vocabulary learned from indexed images\n" in told
    here("index", "-d", photos, "--model", "own.npz")
    assert "bytes an image, model by cbir train\n" in here("info").stdout
    document = json.loads(here("info", "--format", "json").stdout)
    assert [one["trained"]["origin"] for one in document["descriptors"]] == ["trained", "indexed"]


def test_presets_are_listed_and_an_index_may_be_ready_for_them(
    here: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = Preset("trial", "for tests", ("hsv", "dhash"), (1.0, 0.5))
    monkeypatch.setitem(PRESETS, "trial", trial)
    told = here("presets").stdout
    assert "1 hsv + 0.5 dhash\n" in told and f"{1536 + 9:,} bytes an image\n" in told
    listed = {one["name"]: one for one in json.loads(here("presets", "--format", "json").stdout)}
    assert listed["trial"]["bytes_per_image"] == 1545 and "balanced" in listed
    here("index", "-d", photos, "--descriptor", "hsv")
    assert json.loads(here("info", "--format", "json").stdout)["presets"] == []
    here("index", "-d", photos, "--descriptor", "dhash")
    assert "presets   trial\n" in here("info").stdout


def test_what_an_index_says_reaches_no_terminal_as_it_is(run: Run, photos: Path) -> None:
    run("index", "-d", photos)
    index = photos.parent / "index.csv"
    header, *lines = index.read_text().splitlines()
    rows = [f"{header},note\x1b]0;x\x07", *(f"{line},y" for line in lines)]
    index.write_text("\n".join([*rows, ""]))
    done = run("info", "index.csv")
    assert done.returncode == 0 and r"metadata  note\x1b]0;x\x07 (category)" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_the_index_may_be_named_as_in_other_commands(run: Run, photos: Path) -> None:
    assert run("index", "-d", "photos", "-i", "mine.csv", "--quiet").returncode == 0
    assert run("info", "-i", "mine.csv").stdout == run("info", "mine.csv").stdout
    both = run("info", "mine.csv", "--index", "mine.csv")
    assert both.returncode == 2 and "name one" in both.stderr
