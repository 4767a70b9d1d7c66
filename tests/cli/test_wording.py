"""What commands say reads well: no "0.0 MB", no "1 images", no "0 images/s"."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import DATA, Run


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A dataset of one small image."""
    folder = tmp_path / "one"
    folder.mkdir()
    Image.new("RGB", (8, 8), "red").save(folder / "red.png")
    return folder


def test_one_is_no_plural_and_no_size_or_rate_is_nothing(here: Run, one: Path) -> None:
    first = here("index", "--dataset", one)
    assert re.search(r": 1 image: 1 added.* images/s\n$", first.stderr)
    again = here("index", "--dataset", one)
    assert ": 1 image: 0 added, 1 reused" in again.stderr
    assert "images/s" not in again.stderr  # none was described
    info = here("info")
    size = os.path.getsize(one / "red.png")
    assert f"images  1 ({size} bytes)" in info.stdout
    texts = first.stderr + again.stderr + info.stdout
    assert not re.search(r"(?<![\d.])0(\.0+)? (MB|kB|images/s|s\b)", texts)
    assert not re.search(r"\b1 (images|images|files|queries)\b", texts)


def test_a_copy_of_few_bytes_has_a_size(here: Run, one: Path) -> None:
    (one / "again.png").write_bytes((one / "red.png").read_bytes())
    done = here("duplicates", "--dataset", one)
    size = os.path.getsize(one / "red.png")
    assert f"1 group with 1 removable copy ({size} bytes)" in done.stderr


def test_the_summary_of_copies_leaves_out_what_says_nothing(here: Run, tmp_path: Path) -> None:
    folder = tmp_path / "found"
    folder.mkdir()
    shutil.copy(DATA / "cats" / "cat-1.jpg", folder / "b.jpg")
    with Image.open(folder / "b.jpg") as image:
        image.convert("L").save(folder / "a.jpg", quality=95)
    find = ("duplicates", "found", "--keep", "first")
    start = "1 group without a removable copy; 1 copy that would lose something stays"
    assert here(*find).stderr.startswith(start)
    shutil.copy(folder / "a.jpg", folder / "a2.jpg")
    assert "1 group with 1 removable copy (" in here(*find).stderr
    assert "); 1 copy that would lose something stays" in here(*find).stderr
    (folder / "b.jpg").unlink()
    assert here(*find).stderr.endswith("B)\n")


def test_links_to_images_are_left_out_in_plain_words(here: Run, one: Path) -> None:
    os.link(one / "red.png", one / "link.png")
    done = here("duplicates", "--dataset", one)
    assert "Left out 1 link to images that take part under another name" in done.stderr


def test_a_single_query_is_counted_in_the_singular(here: Run, one: Path) -> None:
    done = here("duplicates", "--dataset", one, "--query", one / "red.png")
    assert done.stderr == "0 of 1 query with copies\n"
