"""``cbir train`` as a user runs it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import DATA, Run, can_be_interrupted


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


LABELED = (
    *("cats/cat-1", "cats/cat-2", "cats/cat-3", "cats/cat-4", "cats/cat-5", "lemurs/lemur-1"),
    *("lemurs/lemur-2", "lemurs/lemur-3", "lemurs/lemur-4", "lemurs/lemur-5", "fish/fish-1"),
    *("fish/fish-2", "fish/fish-3", "fish/fish-4", "sunsets/sea-sunset-1"),
    *("sunsets/sea-sunset-2", "sunsets/sea-sunset-3", "sunsets/sea-sunset-4"),
)


@pytest.fixture
def labeled(here: Run, tmp_path: Path) -> Path:
    """An index of 18 images of four classes, and a table that says these."""
    for name in LABELED:
        (tmp_path / "some" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DATA / f"{name}.jpg", tmp_path / "some" / f"{name}.jpg")
    lines = [f"{name}.jpg,{name.partition('/')[0]}" for name in LABELED]
    (tmp_path / "labels.csv").write_text("\n".join(["file,kind", *lines]))
    done = here("index", "some", "--descriptor", "hsv", "--descriptor", "gist", "--quiet")
    assert done.returncode == 0
    return tmp_path


LEARN = ("train", "--from", "index.csv", "--truth", "labels.csv", "--label", "kind")


def test_a_projection_is_learned_judged_and_used(here: Run, labeled: Path) -> None:
    done = here(*LEARN, "--descriptor", "hsv + gist", "-o", "kinds.npz")
    assert done.returncode == 0
    heading, *rows = done.stdout.splitlines()
    assert heading.split("  ")[0] == "held out" and len(rows) == 4
    assert [row.split("  ")[0] for row in rows] == ["new images"] * 2 + ["new classes"] * 2
    *verdicts, made, use = done.stderr.splitlines()
    assert all(re.match(r"It (helps|harms|does not help) on new ", one) for one in verdicts)
    assert made == (
        "kinds.npz: a model for projection:dimension=128, learned from 18 images of 4 classes"
    )
    assert use == (
        "To use it: index --dataset some/ --index index.csv --descriptor kinds=projection"
        " --model kinds.npz"
    )
    command = shlex.split(use.removeprefix("To use it: "))
    assert here(*command, "--quiet").returncode == 0
    query = "some/cats/cat-1.jpg"
    found = here("search", query, "--descriptor", "kinds", "--no-montage", "--format", "paths")
    assert found.stdout.splitlines()[0] == query
    warned = here("evaluate", "--index", "index.csv", "--descriptor", "kinds")
    assert "kinds learned from labels" in warned.stderr


@pytest.mark.parametrize(
    ("output", "spec"),
    [
        ("kinds.npz", "kinds=projection:dimension=9"),
        ("my kinds.npz", "projection:dimension=9"),
        ("path.npz", "projection:dimension=9"),
        ("gist.npz", "projection:dimension=9"),
    ],
)
def test_the_proposed_alias_is_the_name_of_the_file_where_it_can_be(
    here: Run, labeled: Path, output: str, spec: str
) -> None:
    done = here(*LEARN, "--descriptor", "gist", "--dimension", "9", "-o", output)
    command = shlex.split(done.stderr.splitlines()[-1].removeprefix("To use it: "))
    assert command[command.index("--descriptor") + 1] == spec
    assert here(*command, "--quiet").returncode == 0


def test_weights_are_learned_and_judged(here: Run, labeled: Path) -> None:
    done = here(*LEARN, "--descriptor", "hsv+gist", "--learn", "weights", "--format", "json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert list(document["weights"]) == ["hsv", "gist"]
    assert [one["held_out"] for one in document["judgments"]] == ["images", "classes"]
    *_, weights = done.stderr.splitlines()
    assert weights.startswith("To use them: search --descriptor hsv+gist --weights hsv=")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--descriptor", "hsv"), "name the file to write with --output FILE"),
        (("--descriptor", "hsv", "--descriptor", "gist", "-o", "x.npz"), "join aliases by +"),
        (("--descriptor", "hsv", "--learn", "weights"), "weights are for several descriptors"),
        (("--descriptor", "hsv+gist", "--learn", "weights", "-o", "x.npz"), "leave out --output"),
        (("--descriptor", "hsv", "-o", "x.npz", "--include", "*"), "--include is for images, and"),
        (
            ("--descriptor", "hsv+gist", "--learn", "weights", "--dimension", "8"),
            "--dimension is for a projection",
        ),
        (("some", "--descriptor", "hsv", "-o", "x.npz"), "DIR is for images, and --from"),
    ],
)
def test_what_labels_cannot_teach(
    here: Run, labeled: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = here(*LEARN, *arguments)
    assert done.returncode == 2 and message in done.stderr
    assert not (labeled / "x.npz").exists()


def test_options_of_labels_need_an_index(here: Run, photos: Path) -> None:
    done = here("train", "photos", "--descriptor", "orb", "-o", "x.npz", "--label", "kind")
    assert done.returncode == 2 and "--label is for labels, and without --from" in done.stderr
    assert here("train", "--descriptor", "orb", "-o", "x.npz").returncode == 2
    assert here("train", "photos", "--descriptor", "orb").returncode == 2


def test_labels_may_be_a_column_of_the_index(here: Run, labeled: Path) -> None:
    learn = ("train", "--from", "index.csv", "--descriptor", "gist", "--label", "kind")
    by_table = here(*learn, "--truth", "labels.csv", "-o", "table.npz", "--quiet")
    joined = here("index", "some", "--metadata", "labels.csv", "--key", "file", "--quiet")
    by_column = here(*learn, "-o", "column.npz", "--quiet")
    assert (by_table.returncode, joined.returncode, by_column.returncode) == (0, 0, 0)
    assert by_column.stdout == by_table.stdout
    assert (labeled / "table.npz").read_bytes() == (labeled / "column.npz").read_bytes()


@pytest.mark.parametrize("name", ["asmk", "orb"])
def test_more_words_than_there_are_features_are_warned_of(
    here: Run, tmp_path: Path, name: str
) -> None:
    (tmp_path / "one").mkdir()
    image = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    Image.fromarray(image).resize((240, 240)).save(tmp_path / "one" / "noise.png")
    done = here("train", "one", "--descriptor", f"{name}:words=50000", "-o", "words.npz")
    warning, *_ = (line for line in done.stderr.splitlines() if line.startswith("Warning"))
    assert "different features for 50,000 words" in warning and "words=" in warning
    with np.load(tmp_path / "words.npz") as arrays:
        assert f"only {len(arrays['words']):,} " in warning


def test_an_interrupted_training_says_how_it_goes_on(here: Run, photos: Path) -> None:
    code = (
        "import os, signal\n"
        "from cbir.indexing import kept_rounds\n"
        "keep = kept_rounds.KeptRounds.keep\n"
        "def kept(self, done, words):\n"
        "    keep(self, done, words)\n"
        "    if done == 2: os.kill(os.getpid(), signal.SIGINT)\n"
        "kept_rounds.KeptRounds.keep = kept\n"
        "from cbir.cli import main\n"
        "main()\n"
    )
    command = ["train", "photos", "--descriptor", "orb:words=300", "-o", "words.npz"]
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=photos.parent, preexec_fn=can_be_interrupted, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == (
        "Interrupted. Nothing was written but the rounds of a vocabulary that are done, if any; the"
        " same command goes on after these."
    )
    again = here(*command)
    assert again.returncode == 0
    assert "Continuing an interrupted training after round 2" in again.stderr
