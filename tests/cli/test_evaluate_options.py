"""What ``cbir evaluate`` measures besides single descriptors: fusions, presets, given models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cbir.core.atomic_files import save_arrays
from cbir.descriptors import presets
from cbir.descriptors.presets import Preset
from cbir.descriptors.state import TRAINED, with_origin
from tests.conftest import Run
from tests.palette import FIRST, palette, ship


@pytest.fixture(autouse=True)
def _trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure a preset that is quick, whatever the real ones become; it takes a real one's name."""
    trial = Preset("fast", "for tests", ("hsv", "dhash"), (1.0, 0.5))
    monkeypatch.setitem(presets.PRESETS, "fast", trial)


@pytest.fixture
def indexed(here: Run, photos: Path) -> Path:
    assert here("index", "-d", "photos", "--quiet", "--preset", "fast").returncode == 0
    return photos


def evaluated(run: Run, *arguments: str | Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the runs by descriptor and metric."""
    done = run("evaluate", *arguments, "--format", "json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    return {(one["descriptor"], one["metric"]): one for one in json.loads(done.stdout)["runs"]}


def test_a_fusion_is_measured_beside_its_parts(here: Run, photos: Path) -> None:
    specs = ("--descriptor", "hsv+dhash", "--descriptor", "dhash")
    runs = evaluated(here, "-d", "photos", *specs)
    assert set(runs) == {("hsv+dhash", "fused"), ("dhash", "hamming")}
    fused = runs["hsv+dhash", "fused"]
    assert fused["parts"] == {"hsv": {"weight": 1.0}, "dhash": {"weight": 1.0}}
    assert fused["adaptive"] is False
    assert not {"parts", "adaptive"} & set(runs["dhash", "hamming"])


def test_a_preset_is_called_by_its_name(here: Run, indexed: Path) -> None:
    for place in ("-d", "photos"), ("-i", "index.csv"):
        runs = evaluated(here, *place, "--preset", "fast", "--descriptor", "hsv")
        assert set(runs) == {("fast", "fused"), ("hsv", "chi2")}
        assert runs["fast", "fused"]["parts"] == {"hsv": {"weight": 1.0}, "dhash": {"weight": 0.5}}
        assert set(evaluated(here, *place, "--preset", "fast")) == {("fast", "fused")}
    same = evaluated(here, "-i", "index.csv", "--descriptor", "hsv+dhash", "--weights", "1,0.5")
    assert same["hsv+dhash", "fused"]["map"] == runs["fast", "fused"]["map"]
    table = here("evaluate", "-i", "index.csv", "--preset", "fast").stdout
    assert table.splitlines()[1].split()[:2] == ["fast", "fused"]


def test_fusions_are_as_in_a_search(here: Run, indexed: Path) -> None:
    flags = ("-i", "index.csv", "--descriptor", "hsv+dhash")
    assert set(evaluated(here, *flags, "--fusion", "ranks")) == {("hsv+dhash", "rrf")}
    (adaptive,) = evaluated(here, *flags, "--adaptive").values()
    assert adaptive["adaptive"] is True
    (named,) = evaluated(here, *flags, "--weights", "dhash=0").values()
    (alone,) = evaluated(here, "-i", "index.csv", "--descriptor", "hsv").values()
    assert named["map"] == pytest.approx(alone["map"])


def test_weights_by_name_are_for_the_fusions_that_have_it(here: Run, photos: Path) -> None:
    specs = ("--preset", "fast", "--descriptor", "hsv+phash", "--weights", "phash=3,dhash=2")
    runs = evaluated(here, "-d", "photos", *specs)
    assert runs["fast", "fused"]["parts"] == {"hsv": {"weight": 1.0}, "dhash": {"weight": 2.0}}
    assert runs["hsv+phash", "fused"]["parts"]["phash"] == {"weight": 3.0}


def test_a_metric_is_for_the_single_ones(here: Run, indexed: Path) -> None:
    flags = ("--descriptor", "hsv", "--metric", "cosine", "--metric", "chi2")
    runs = evaluated(here, "-i", "index.csv", "--preset", "fast", *flags)
    assert set(runs) == {("fast", "fused"), ("hsv", "cosine"), ("hsv", "chi2")}


def test_models_are_given_for_what_is_trained(
    here: Run, photos: Path, package: Path, tmp_path: Path
) -> None:
    ship(package, palette(-3, -2, -1, 300))
    save_arrays(str(tmp_path / "four.npz"), with_origin(FIRST, TRAINED))
    save_arrays(str(tmp_path / "five.npz"), with_origin(palette(0, 60, 120, 180, 240), TRAINED))
    specs = ("--descriptor", "palette", "--descriptor", "wide=palette:levels=5")
    models = ("--model", "four.npz", "--model", "five.npz")
    runs = evaluated(here, "-d", "photos", *specs, *models)
    assert here("index", "-d", "photos", "--quiet", *specs, *models).returncode == 0
    indexed = evaluated(here, "-i", "index.csv")
    assert runs.keys() == indexed.keys() and len(runs) == 2
    assert all(runs[key]["map"] == indexed[key]["map"] for key in runs)


def test_what_learns_from_its_own_test_is_warned_of(here: Run, photos: Path, package: Path) -> None:
    ship(package, FIRST)
    done = here("evaluate", "-d", "photos", "--descriptor", "palette+hsv")
    assert done.returncode == 0 and "Warning" not in done.stderr
    done = here("evaluate", "-d", "photos", "--descriptor", "palette:levels=5")
    assert done.returncode == 0 and "Warning: palette may have learned from" in done.stderr
    here("index", "-d", "photos", "-i", "own.csv", "--descriptor", "palette:levels=5")
    done = here("evaluate", "-i", "own.csv")
    assert done.returncode == 0 and "Warning: palette may have learned from" in done.stderr


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--weights", "1,2"], "are for several descriptors"),
        (["--descriptor", "hsv", "--adaptive"], "are for several descriptors"),
        (["--preset", "fast", "--metric", "chi2"], "--metric chi2 is for one descriptor"),
        (["--preset", "fast", "--weights", "1"], "1 for 2 descriptors"),
        (["--preset", "fast", "--weights", "hog=1"], "'hog' is not fused; these are: dhash, hsv"),
        (["--preset", "fast", "--weights", "0,0"], "not only zeros"),
        (["--preset", "fast", "--weights", "1,-1"], "number from 0 on"),
        (["--preset", "fast", "--fusion", "ranks", "--adaptive"], "leave one out"),
        (["--preset", "best"], "'fast'"),
        (["--descriptor", "hsv+hsv"], "name each descriptor once"),
        (["--descriptor", "hsv+"], "name each descriptor once"),
    ],
)
def test_what_makes_no_sense_is_told_before_the_work(
    here: Run, indexed: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], words: str
) -> None:
    monkeypatch.setattr("cbir.cli.evaluate.command.build_index", None)
    for place in ("-d", "photos"), ("-i", "index.csv"):
        done = here("evaluate", *place, *more)
        assert (done.returncode, done.stdout) == (2, "") and words in done.stderr


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--model", "x.npz"], "--model goes with --dataset"),
        (["--descriptor", "hsv:layout=none"], "name what the index has by its alias: hsv"),
    ],
)
def test_an_index_is_taken_as_it_is(here: Run, indexed: Path, more: list[str], words: str) -> None:
    done = here("evaluate", "-i", "index.csv", *more)
    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr


def test_an_index_without_the_preset_is_told_how_to_add_it(here: Run, photos: Path) -> None:
    assert here("index", "-d", "photos", "--quiet").returncode == 0
    done = here("evaluate", "-i", "index.csv", "--preset", "fast")
    assert done.returncode == 1 and done.stderr.rstrip().endswith("--preset fast")
