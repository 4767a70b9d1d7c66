"""Groups around an image that somebody chose."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from cbir.duplicates.grouping import find_groups
from cbir.duplicates.regrouping import group_around
from tests.conftest import DATA
from tests.duplicates.helpers import collected, save


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Image.open(DATA / "cats/cat-1.jpg") as cat:
        save(cat, tmp_path / "a.jpg", quality=95)
        save(cat, tmp_path / "b.jpg", quality=90)
        save(cat.resize((cat.width // 2, cat.height // 2)), tmp_path / "small.jpg")
    with Image.open(DATA / "forest/brook-1.jpg") as brook:
        save(brook, tmp_path / "other.jpg")
    return tmp_path


def test_all_others_are_compared_with_the_one_that_is_kept(folder: Path) -> None:
    a, b, small, other = (str(folder / f"{name}.jpg") for name in ("a", "b", "small", "other"))
    with collected(folder, "near") as collection:
        (group,) = find_groups(collection)
        assert group.keep.path == a
        around = group_around(collection, b, {a, small, other})
        assert around is not None and around.keep.path == b and not around.keep.reference
        assert {one.record.path for one in around.duplicates} == {a, small}
        assert group_around(collection, other, {a, small}) is None


def test_what_shows_more_than_the_one_that_is_kept_stays(folder: Path) -> None:
    a, small = str(folder / "a.jpg"), str(folder / "small.jpg")
    with collected(folder, "near") as collection:
        around = group_around(collection, small, {a})
        assert around is not None
        (copy,) = around.duplicates
        assert copy.stays and copy.losses[0].kind == "detail"
        around = group_around(collection, small, {a}, allow_loss="detail")
        assert around is not None and around.duplicates[0].removable
