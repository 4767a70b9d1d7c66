"""Database-side augmentation, from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run

QUERY = "photos/cats/cat-1.jpg"


@pytest.fixture
def indexed(here: Run, photos: Path) -> Path:
    descriptors = ("--descriptor", "hsv", "--descriptor", "hog", "--descriptor", "phash")
    assert here("index", "-d", photos, *descriptors).returncode == 0
    return photos


def searched(run: Run, *more: str) -> dict[str, Any]:
    done = run("search", QUERY, "--no-montage", "--format", "json", *more)
    assert (done.returncode, done.stderr) == (0, "")
    (document,) = json.loads(done.stdout)
    return document


def test_a_search_compares_means(here: Run, indexed: Path) -> None:
    plain, averaged = searched(here), searched(here, "--dba", "2")
    assert (plain["metric"], averaged["metric"]) == ("chi2", "chi2, dba 2")
    assert averaged["results"][0] == plain["results"][0]
    assert averaged["results"] != plain["results"]
    assert searched(here, "--dba") == searched(here, "--dba", "10")
    assert searched(here, "--dba", "0") == plain
    table = here("search", QUERY, "--no-montage", "--descriptor", "hsv+phash", "--dba", "2")
    assert "fused, dba 2" in table.stdout and "up to 2 neighbors in the index" in table.stdout


def test_an_index_asks_for_it_until_it_is_told_otherwise(here: Run, indexed: Path) -> None:
    plain, averaged = searched(here), searched(here, "--dba", "3")
    assert here("index", "-d", indexed, "--dba", "3", "--quiet").returncode == 0
    assert searched(here) == averaged and searched(here, "--dba", "0") == plain
    assert here("index", "-d", indexed, "--quiet").returncode == 0
    assert searched(here) == averaged
    assert "up to 3 neighbors" in here("info").stdout
    assert json.loads(here("info", "--format", "json").stdout)["dba"] == 3
    assert here("index", "-d", indexed, "--dba", "0", "--quiet").returncode == 0
    assert searched(here) == plain
    assert "neighbors" not in here("info").stdout


def test_an_evaluation_compares_with_and_without(here: Run, indexed: Path) -> None:
    flags = ("evaluate", "-i", "index.csv", "--format", "json", "--dba", "0", "--dba", "2")
    done = here(*flags, "--descriptor", "hsv", "--descriptor", "hsv+phash", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    runs = json.loads(done.stdout)["runs"]
    assert {(one["descriptor"], one["metric"]) for one in runs} == {
        ("hsv", "chi2"),
        ("hsv", "chi2, dba 2"),
        ("hsv+phash", "fused"),
        ("hsv+phash", "fused, dba 2"),
    }
    everything = here(*flags)
    assert everything.returncode == 0
    assert "phash: it has no vectors that could be averaged" in everything.stderr
    found = {(one["descriptor"], one["metric"]) for one in json.loads(everything.stdout)["runs"]}
    assert len(found) == 5 and ("phash", "hamming") in found


def test_copies_are_found_by_the_rows_themselves(here: Run, indexed: Path) -> None:
    shutil.copy(indexed / "cats" / "cat-1.jpg", indexed / "copy.jpg")
    arguments = ("duplicates", indexed, "-i", "index.csv", "--level", "near", "--format", "json")
    plain = here(*arguments)
    assert "copy.jpg" in plain.stdout
    assert here("index", "-d", indexed, "--dba", "3", "--quiet").returncode == 0
    assert here(*arguments).stdout == plain.stdout


def test_what_makes_no_sense_is_refused(here: Run, indexed: Path) -> None:
    for command in (("search", QUERY), ("index", "-d", indexed), ("evaluate", "-i", "index.csv")):
        done = here(*command, "--dba", "101")
        assert done.returncode == 2 and "--dba" in done.stderr
    for command in (("search", QUERY), ("evaluate", "-i", "index.csv")):
        done = here(*command, "--descriptor", "phash", "--dba", "2")
        assert done.returncode == 2 and "--dba averages vectors, and phash has none" in done.stderr
