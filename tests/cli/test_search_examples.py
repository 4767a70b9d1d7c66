"""``search`` by several images: together, turned, with what is liked and what is not."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import Run

ONE, TWO = "photos/cats/cat-1.jpg", "photos/cats/cat-2.jpg"
DUNE = "desert/orange-dune-1.jpg"


@pytest.fixture
def indexed(here: Run, photos: Path) -> Path:
    assert here("index", photos, "--descriptor", "hsv").returncode == 0
    return photos


def document(here: Run, *arguments: str) -> dict[str, Any]:
    done = here("search", *arguments, "--no-montage", "--format", "jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    (found,) = map(json.loads, done.stdout.splitlines())
    return dict(found)


def test_queries_together_have_one_list_of_results(here: Run, indexed: Path) -> None:
    found = document(here, ONE, "--query", TWO, "--together")
    assert found["together"] == [{"path": ONE}, {"path": TWO}] and found["query"] == ONE
    assert [one["path"] for one in found["results"][:2]] == [ONE, TWO]
    table = here("search", "photos/cats", "--together", "--no-montage").stdout.splitlines()
    assert table[0].startswith(f"{ONE} + {TWO} + photos/cats/cat-3.jpg  (hsv, ")
    assert len(table) == 4


def test_liked_and_disliked_are_files_or_images_of_the_index(here: Run, indexed: Path) -> None:
    by_file = document(here, ONE, "--like", TWO, "--unlike", f"photos/{DUNE}", "--top", "20")
    by_row = document(here, ONE, "--like", "cats/cat-2.jpg", "--unlike", DUNE, "--top", "20")
    assert by_file == by_row
    assert by_file["like"] == [{"path": TWO}]
    assert by_file["unlike"] == [{"path": f"photos/{DUNE}"}]
    assert f"photos/{DUNE}" not in [one["path"] for one in by_file["results"]]
    assert len(by_file["results"]) > 5
    table = here("search", ONE, "--like", TWO, "--unlike", DUNE, "--no-montage").stdout
    assert table.startswith(f"{ONE} like {TWO} unlike photos/{DUNE}  (hsv, ")
    assert "then more near what is not wanted" in table


def test_without_a_query_what_is_liked_is_searched_for(here: Run, indexed: Path) -> None:
    table = here("search", "--like", "cats/cat-2.jpg")
    assert table.stdout.startswith(f"like {TWO}  (hsv, ")
    assert (indexed.parent / "montage.jpg").exists()
    found = document(here, "--like", TWO)
    assert found["results"] == document(here, TWO)["results"]


def test_the_table_says_how_a_query_was_turned(here: Run, indexed: Path) -> None:
    with Image.open(ONE) as image:
        image.transpose(Image.Transpose.ROTATE_270).save("turned.png")
    (first, *_) = here("search", "turned.png", "--augment", "--no-montage").stdout.splitlines()[1:]
    assert first.endswith(f"{ONE}  (turned by 270°)")
    found = document(here, "turned.png", "--augment")
    assert found["results"][0]["orientation"] == {"turned": 270, "mirrored": False}
    head, row, *_ = csv.reader(
        here("search", "turned.png", "--augment", "--format", "csv").stdout.splitlines()
    )
    assert dict(zip(head, row, strict=True))["turned"] == "270"
    assert dict(zip(head, row, strict=True))["mirrored"] == "no"
    plain = here("search", "turned.png", "--format", "csv").stdout.splitlines()[0]
    assert head[: len(plain.split(","))] == plain.split(",") and "turned" not in plain
    upright = here("search", ONE, "--augment", "--no-montage").stdout.splitlines()[1]
    assert upright.endswith(ONE)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name an image to search for, as IMG or with --query PATH, or one with --like"),
        (("--unlike", ONE), "or one with --like"),
        (("--together", "--like", ONE), "--together is for several queries"),
        ((ONE, "--together"), "--together is for several images to search for"),
        (("--like", ONE, "--region", "0,0,9,9"), "--region is a part of an image"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    here: Run, indexed: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = here("search", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert told in done.stderr


def test_what_cannot_be_read_fails_the_one_search(here: Run, indexed: Path) -> None:
    for arguments in ((ONE, "no.jpg", "--together"), (ONE, "--like", "no.jpg")):
        done = here("search", *arguments)
        assert done.returncode == 1 and done.stdout == ""
        assert "no.jpg: no such file or directory" in done.stderr
