"""``search`` by several descriptors, and presets on the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import cbir
from cbir.descriptors.presets import PRESETS
from tests.conftest import Run

QUERY = "photos/cats/cat-1.jpg"
SEARCH = ("search", "-q", QUERY, "--no-montage")


@pytest.fixture
def indexed(here: Run, photos: Path) -> Path:
    descriptors = ("--descriptor", "hsv", "--descriptor", "phash")
    assert here("index", "-d", photos, *descriptors).returncode == 0
    return photos


def test_a_fusion_has_a_table_and_a_montage(here: Run, indexed: Path, tmp_path: Path) -> None:
    done = here("search", "-q", QUERY, "--descriptor", "hsv+phash")
    lines = done.stdout.splitlines()
    meaning = "0 = equal in everything, 1 = as unrelated images are"
    assert lines[0] == f"{QUERY}  (hsv+phash, fused: {meaning})"
    assert lines[1].split() == ["1", "0.0000", QUERY] and len(lines) == 4
    assert (tmp_path / "montage.jpg").exists()
    done = here(*SEARCH, "--descriptor", "hsv+phash", "--fusion", "ranks")
    assert "(hsv+phash, rrf: 0 = the first in everything, up to 1)" in done.stdout


def test_json_explains_each_distance(here: Run, indexed: Path) -> None:
    done = here(*SEARCH, "--descriptor", "hsv+phash", "--format", "json")
    document = json.loads(done.stdout)[0]
    assert (document["descriptor"], document["metric"]) == ("hsv+phash", "fused")
    for result in document["results"]:
        assert list(result) == ["rank", "path", "distance", "parts"]
        parts = result["parts"]
        assert list(parts) == ["hsv", "phash"]
        assert sum(part["share"] for part in parts.values()) == pytest.approx(result["distance"])
    alone = json.loads(here(*SEARCH, "--descriptor", "phash", "--format", "json").stdout)[0]
    assert "parts" not in alone["results"][0]


def test_the_other_formats_are_as_for_one_descriptor(here: Run, indexed: Path) -> None:
    flags = ("--descriptor", "hsv+phash", "--format")
    rows = list(csv.DictReader(io.StringIO(here(*SEARCH, *flags, "csv").stdout)))
    assert [row["metric"] for row in rows] == ["fused"] * 3
    assert [row["path"] for row in rows] == here(*SEARCH, *flags, "paths").stdout.splitlines()


def test_weights_are_given_in_order_or_by_name(here: Run, indexed: Path) -> None:
    def found(*more: str) -> object:
        done = here(*SEARCH, "--descriptor", "hsv+phash", "--format", "json", *more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)[0]["results"]

    assert found() == found("--weights", "1,1") == found("--no-adaptive")
    assert found("--weights", "1,0.5") == found("--weights", "phash=0.5") != found()
    assert found("--weights", "2, 1") == found("--weights", "phash=1,hsv=2")
    assert found("--adaptive") != found()


@pytest.mark.parametrize(
    ("more", "message", "code"),
    [
        (["--descriptor", "hsv+phash", "--metric", "chi2"], "compared by its own metric", 2),
        (["--descriptor", "hsv+phash", "--weights", "1"], "1 for 2 descriptors", 2),
        (["--descriptor", "hsv+phash", "--weights", "1,x"], "in the order of the descriptors", 2),
        (["--descriptor", "hsv+phash", "--weights", "1,phash=2"], "all with their names", 2),
        (["--descriptor", "hsv+phash", "--weights", "hog=2"], "'hog' is not fused", 2),
        (["--descriptor", "hsv+phash", "--fusion", "sum"], "is not one of", 2),
        (["--descriptor", "hsv", "--weights", "1"], "for several descriptors", 2),
        (["--descriptor", "hsv+hog"], "name one of its own: hsv, phash", 1),
        (["--preset", "balanced", "--descriptor", "hsv"], "contradict each other", 2),
    ],
)
def test_what_makes_no_sense_is_refused(
    here: Run, indexed: Path, more: list[str], message: str, code: int
) -> None:
    done = here(*SEARCH, *more)
    assert done.returncode == code and done.stdout == ""
    assert message in done.stderr.replace("\n", " ")


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_is_indexed_and_searched(here: Run, photos: Path, name: str) -> None:
    assert here("index", "-d", photos, "--descriptor", "dhash").returncode == 0
    refused = here(*SEARCH, "--preset", name)
    assert refused.returncode == 1 and refused.stderr.rstrip().endswith(f"--preset {name}")
    assert here("index", "-d", photos, "--preset", name).returncode == 0
    done = here(*SEARCH, "--preset", name)
    first = next(line for line in done.stdout.splitlines() if line.split()[0] == "1")
    assert done.returncode == 0 and first.split()[-1] == QUERY
    assert cbir.open("index.csv").descriptors[0] == "dhash"


def test_an_unknown_preset_is_refused(here: Run, photos: Path) -> None:
    for command in (("index", "-d", photos), SEARCH):
        done = here(*command, "--preset", "best")
        assert done.returncode == 2 and "'fast'" in done.stderr
