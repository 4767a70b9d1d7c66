"""Expansion and re-ranking, from the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run

QUERY = "photos/cats/cat-1.jpg"
FUSION = ("--descriptor", "hsv+phash")


@pytest.fixture
def indexed(here: Run, photos: Path) -> Path:
    descriptors = ("--descriptor", "hsv", "--descriptor", "phash")
    assert here("index", "-d", photos, *descriptors).returncode == 0
    return photos


def searched(run: Run, *more: str) -> dict[str, Any]:
    done = run("search", QUERY, "--no-montage", "--format", "json", *FUSION, *more)
    assert (done.returncode, done.stderr) == (0, "")
    (document,) = json.loads(done.stdout)
    return document


def test_a_search_is_re_ranked_and_expanded(here: Run, indexed: Path) -> None:
    plain = searched(here)
    for method in ("k-reciprocal", "diffusion"):
        document = searched(here, "--rerank", method)
        assert document["metric"] == f"fused, {method}"
        assert document.keys() == plain.keys()
        assert document["results"][0] == plain["results"][0]
        assert [list(one) for one in document["results"]] == [list(plain["results"][0])] * 3
    expanded = searched(here, "--expand", "1")
    assert expanded["metric"] == "fused, expanded by 1" and expanded["results"] != plain["results"]
    assert searched(here, "--expand") == searched(here, "--expand", "5")


def test_evaluations_take_them_too(here: Run, indexed: Path) -> None:
    flags = ("evaluate", "-i", "index.csv", "--format", "json", "--quiet", "--expand", "2")
    done = here(*flags, "--rerank", "diffusion", *FUSION, "--descriptor", "hsv")
    assert (done.returncode, done.stderr) == (0, "")
    runs = json.loads(done.stdout)["runs"]
    assert {(one["descriptor"], one["metric"]) for one in runs} == {
        ("hsv+phash", "fused, expanded by 2, diffusion"),
        ("hsv", "chi2, expanded by 2, diffusion"),
    }
    done = here(*flags, "--rerank", "diffusion", "--descriptor", "hsv", "--metric", "cosine")
    assert json.loads(done.stdout)["runs"][0]["metric"] == "cosine, expanded by 2, diffusion"


def test_rows_of_an_evaluation_name_all_stages(here: Run, photos: Path) -> None:
    """In each format, for whoever compares two evaluations."""
    assert here("index", "-d", photos, "--descriptor", "asmk:words=16").returncode == 0
    evaluated = ("evaluate", "-i", "index.csv", "--quiet", "--verify", "3", "--descriptor", "asmk")
    for more, stages in (
        ((), ["3 verified"]),
        (("--rerank", "diffusion"), ["diffusion", "3 verified"]),
        (("--rerank", "diffusion", "--expand"), ["3 verified", "expanded by 5", "diffusion"]),
    ):
        expected = ", ".join(["cosine", *stages])
        document = json.loads(here(*evaluated, *more, "--format", "json").stdout)
        assert [one["metric"] for one in document["runs"]] == [expected]
        table = list(csv.DictReader(io.StringIO(here(*evaluated, *more, "--format", "csv").stdout)))
        assert [one["metric"] for one in table] == [expected]
        assert f"| {expected} |" in here(*evaluated, *more, "--format", "markdown").stdout
        lines = here(*evaluated, *more).stdout.splitlines()
        assert max(map(len, lines)) <= 100
        assert all(any(stage in line for line in lines) for stage in stages)


@pytest.mark.parametrize("wrong", [("--expand", "0"), ("--expand", "2000"), ("--rerank", "best")])
def test_what_makes_no_sense_is_refused(here: Run, indexed: Path, wrong: tuple[str, str]) -> None:
    done = here("search", QUERY, *wrong)
    assert done.returncode == 2 and wrong[0] in done.stderr


@pytest.mark.parametrize("option", ["--expand", "--verify", "--dba"])
def test_a_file_behind_an_optional_number_is_told_of(here: Run, option: str) -> None:
    more = ("index",) if option == "--dba" else ()
    for command in ("search", "evaluate", *more):
        done = here(command, option, "my cat.jpg")
        number = {"--expand": 5, "--verify": 100, "--dba": 10}[option]
        assert done.returncode == 2 and done.stderr.splitlines()[-1] == (
            f"Error: {option} 'my cat.jpg': {option} takes a number, if one follows; name"
            f" 'my cat.jpg' before it, or give the number, as in {option} {number} 'my cat.jpg'"
        )
    assert "is not in the range" in here("search", QUERY, option, "100000").stderr
