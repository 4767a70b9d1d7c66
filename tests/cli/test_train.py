"""``cbir train`` as a user runs it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import Run


def test_it_says_what_it_did_and_how_to_use_it(
    package: Path, here: Run, photos: Path, tmp_path: Path
) -> None:
    (photos / "bad.jpg").write_text("text")
    spec = "small=palette:levels=3"
    done = here("train", "-d", "photos", "--descriptor", spec, "-o", "a model.npz")
    assert done.returncode == 0 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Cannot read photos/bad.jpg: not an image")
    said = r"a model\.npz: a model for palette, trained on 12 images; \d+ bytes, \S+ s"
    assert re.fullmatch(said, lines[1])
    assert lines[2] == f"To use it: index --dataset DIR --descriptor {spec} --model 'a model.npz'"
    used = here("index", "-d", "photos", "--descriptor", spec, "--model", "a model.npz", "--quiet")
    assert used.returncode == 0
    again = here("train", "-d", "photos", "--descriptor", spec, "-o", "a model.npz", "--quiet")
    assert again.returncode == 0 and again.stderr.count("\n") == 1


def test_several_descriptors(package: Path, here: Run, photos: Path) -> None:
    specs = ["--descriptor", "palette", "--descriptor", "orb:words=20"]
    done = here("train", "-d", "photos", *specs, "-o", "models", "--exclude", "cats")
    assert "models/palette.npz: a model for palette, trained on 9 images" in done.stderr
    assert "models/orb.npz: a vocabulary for orb, trained on 9 images" in done.stderr
    assert done.stderr.endswith(
        "To use it: index --dataset DIR --descriptor palette --descriptor orb:words=20"
        " --model models\n"
    )
    done = here("index", "-d", "photos", *specs, "--vocabulary", "models", "--quiet")
    assert done.returncode == 0 and done.stderr == ""


def test_what_is_refused(here: Run, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "own.npz").write_text("mine")
    command = ["train", "-d", "photos", "--descriptor"]
    refused = here(*command, "orb", "-o", "own.npz")
    assert (
        refused.returncode == 1 and "own.npz: this file is there and was not made" in refused.stderr
    )
    assert (tmp_path / "own.npz").read_text() == "mine"
    assert here(*command, "hsv", "-o", "x.npz").returncode == 2
    assert here(*command, "orb", "-o", "x").returncode == 2
    assert here("train", "-d", "nowhere", "--descriptor", "orb", "-o", "x.npz").returncode == 1


def test_help_shows_an_example(here: Run) -> None:
    assert "Example" in here("train", "--help").stdout
