"""``search --region``: by a part of the query."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Run

QUERY = "photos/cats/cat-1.jpg"


@pytest.fixture
def size(here: Run, photos: Path) -> tuple[int, int]:
    """Index the images; return width and height of the query."""
    assert here("index", photos, "--descriptor", "hsv", "--descriptor", "phash").returncode == 0
    with Image.open(photos.parent / QUERY) as image:
        return image.size


def test_the_table_and_json_tell_the_region_in_pixels(here: Run, size: tuple[int, int]) -> None:
    width, height = size
    command = ("search", QUERY, "--no-montage", "--region")
    percentages, pixels = "25%,0,50%,100%", f"{round(width / 4)},0,{round(width / 2)},{height}"
    table = here(*command, percentages)
    assert table.stdout.startswith(f"{QUERY} region {pixels}  (hsv, chi2: ")
    assert here(*command, pixels).stdout == table.stdout
    (document,) = json.loads(here(*command, percentages, "--format", "json").stdout)
    assert document["region"] == [int(number) for number in pixels.split(",")]
    for format_ in ("csv", "paths"):
        done = here(*command, percentages, "--format", format_)
        assert done.returncode == 0 and "cat-" in done.stdout


def test_the_results_are_those_of_the_part_cut_out(
    here: Run, size: tuple[int, int], tmp_path: Path
) -> None:
    with Image.open(tmp_path / QUERY) as image:
        image.resize((200, 150)).save(tmp_path / "query.png")
    with Image.open(tmp_path / "query.png") as image:
        image.crop((20, 30, 120, 110)).save(tmp_path / "part.png")
    command = ("search", "--no-montage", "--format", "jsonl", "--descriptor", "hsv+phash")
    part = json.loads(here(*command, "part.png").stdout)["results"]
    found = json.loads(here(*command, "query.png", "--region", "20,30,100,80").stdout)["results"]
    assert found == part


def test_several_queries_share_the_region(here: Run, size: tuple[int, int], tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "small.png")
    done = here("search", QUERY, "small.png", "--region", "5,5,90,90", "--format", "jsonl")
    (document,) = map(json.loads, done.stdout.splitlines())
    assert document["query"] == QUERY and document["region"] == [5, 5, 90, 90]
    assert done.returncode == 0
    assert "Cannot read small.png: the region 5,5,90,90 reaches beyond its 9x9" in done.stderr
    only = here("search", "small.png", "--region", "5,5,90,90")
    assert only.returncode == 1 and only.stdout == ""


def test_the_montage_frames_the_region(here: Run, size: tuple[int, int], tmp_path: Path) -> None:
    for name, more in (("plain.png", ()), ("framed.png", ("--region", "25%,25%,50%,50%"))):
        assert here("search", QUERY, "--montage", name, *more).returncode == 0
    plain, framed = (
        np.asarray(Image.open(tmp_path / name))[:240, :240] for name in ("plain.png", "framed.png")
    )
    assert 0 < (plain != framed).any(axis=2).sum() < 5000


def test_a_folder_can_be_searched_by_a_region(here: Run, photos: Path) -> None:
    done = here(
        "search", QUERY, "-d", "photos", "--region", "0,0,50%,100%", "--format", "json",
        "--no-montage", "--exclude-self",
    )  # fmt: skip
    (document,) = json.loads(done.stdout)
    assert document["region"][:2] == [0, 0] and len(document["results"]) == 3
    assert all(one["path"] != QUERY for one in document["results"])


@pytest.mark.parametrize("region", ["1,2,3", "-1,0,5,5", "nan,0,1,1", "0,0,0,9", "big", "1;2;3;4"])
def test_what_is_no_region_is_refused_before_anything_is_indexed(
    here: Run, photos: Path, region: str
) -> None:
    done = here("search", QUERY, "-d", "photos", f"--region={region}", "--no-montage")
    assert done.returncode == 2 and done.stdout == ""
    assert "--region" in done.stderr and "give four numbers x,y,width,height" in done.stderr
    assert "images:" not in done.stderr and "region=" not in done.stderr


def test_two_regions_are_not_silently_one(here: Run, size: tuple[int, int]) -> None:
    done = here("search", QUERY, "--region", "1,1,5,5", "--region", "2,2,5,5")
    assert done.returncode == 2 and "one is allowed" in done.stderr
