"""``search --explain``: what is told, what is drawn and what is refused."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.test_bad_input import assert_refused
from tests.conftest import Run

QUERY = "photos/cats/cat-1.jpg"


@pytest.fixture
def indexed(here: Run, photos: Path) -> Path:
    assert here("index", "-d", photos, "--descriptor", "hsv").returncode == 0
    return photos


def test_every_format_tells_what_was_found(run: Run, indexed: Path, tmp_path: Path) -> None:
    asked = ("search", QUERY, "--explain", "e.jpg", "--no-montage")
    done = run(*asked)
    assert done.returncode == 0 and done.stderr == "Explanation: e.jpg\n"
    assert done.stdout.splitlines()[1].split() == ["inliers", "same", "box"]
    (told,) = json.loads(run(*asked, "--format", "json").stdout)
    lines = run(*asked, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert [int(row["inliers"]) for row in rows] == [
        match.get("verification", {"inliers": 0})["inliers"] for match in told["results"]
    ]
    paths = run(*asked, "--format", "paths").stdout.splitlines()
    assert paths == [match["path"] for match in told["results"]]
    assert not (tmp_path / "montage.jpg").exists()
    with Image.open(tmp_path / "e.jpg") as image:
        assert image.width > 900


def test_of_several_images_it_is_told_which_one_matches(run: Run, indexed: Path) -> None:
    other = "photos/windmills/windmill-1.jpg"
    asked = ("search", QUERY, other, "--together", "--explain", "e.jpg", "--no-montage")
    (told,) = json.loads(run(*asked, "--top", "2", "--format", "json").stdout)
    for match in told["results"]:
        assert match["verification"]["query"] == match["path"]
    assert {match["path"] for match in told["results"]} == {QUERY, other}
    rows = list(csv.DictReader(io.StringIO(run(*asked, "--top", "2", "--format", "csv").stdout)))
    assert [row["verified_query"] for row in rows] == [row["path"] for row in rows]


def test_the_montage_is_another_image(run: Run, indexed: Path, tmp_path: Path) -> None:
    done = run("search", QUERY, "--explain", "e.png")
    assert done.stderr == "Montage: montage.jpg\nExplanation: e.png\n"
    assert_refused(run("search", QUERY, "--explain", "montage.jpg"), "montage.jpg")


@pytest.mark.parametrize(("name", "code"), [("e.txt", 2), ("nowhere/e.jpg", 1), (QUERY, 1)])
def test_what_may_not_be_written_is_refused_before_the_search(
    run: Run, indexed: Path, name: str, code: int
) -> None:
    done = run("search", QUERY, "--explain", name)
    assert_refused(done, name, "the explanation", code=code)
    assert done.stdout == ""
