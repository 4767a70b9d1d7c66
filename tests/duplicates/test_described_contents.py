"""Candidates by one more descriptor: its nearest are looked at, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cbir
from cbir.core.errors import CbirError, UsageError
from cbir.duplicates import candidates
from cbir.duplicates.collection import open_collection
from cbir.duplicates.described_contents import NEAREST, DescribedContents
from cbir.duplicates.grouping import find_groups
from cbir.duplicates.querying import find_copies
from tests.duplicates.helpers import names


@pytest.fixture
def cropped(photos: Path) -> Path:
    """A photograph of which there is a part, too."""
    with Image.open(photos / "cats" / "cat-1.jpg") as image:
        width, height = image.size
        part = image.crop((width // 8, height // 8, 7 * width // 8, 7 * height // 8))
        part.save(photos / "part.jpg", quality=92)
    return photos


def test_the_nearest_are_those_of_a_search(photos: Path, tmp_path: Path) -> None:
    cbir.index(str(photos), str(tmp_path / "index.csv"))
    index = cbir.open(str(tmp_path / "index.csv"))
    described = DescribedContents(index.single_searcher().named, index.vectors())
    for row, path in enumerate(index.paths):
        found = index.search(photos / path, NEAREST + 1).matches
        nearest = [index.paths.index(str(Path(one.path).relative_to(photos))) for one in found]
        assert described.nearest_of(row) == [one for one in nearest if one != row][:NEAREST]
        assert described.nearest_to(str(photos / path)) == nearest[:NEAREST]
    assert described.nearest_to(str(tmp_path / "index.csv")) == []


def test_a_pair_that_only_the_descriptor_names_is_verified(
    cropped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_collection(str(cropped), None, (), "edited") as collection:
        by_features = names(find_groups(collection, "edited"), collection.root)
    assert any("part.jpg" in group for group in by_features)
    monkeypatch.setattr(candidates._Pairing, "pair_by_features", lambda self: None)
    with open_collection(str(cropped), None, (), "edited") as collection:
        assert names(find_groups(collection, "edited"), collection.root) == []
    index = str(tmp_path / "index.csv")
    with open_collection(str(cropped), index, (), "edited", candidates="hsv") as collection:
        assert names(find_groups(collection, "edited"), collection.root) == by_features
        (found,) = find_copies(collection, str(cropped / "part.jpg"), "edited")
        assert "cat-1.jpg" in [Path(one.record.path).name for one in found.copies]
    assert "hsv" in cbir.open(index).descriptors


def test_references_are_described_alike(cropped: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (cropped / "part.jpg").rename(tmp_path / "kept" / "part.jpg")
    reference = str(tmp_path / "kept")
    with open_collection(str(cropped), None, reference, "edited", candidates="hog") as collection:
        assert collection.described is not None
        assert len(collection.described.matrix) == len(collection.contents) == 13
        for content, row in zip(collection.contents, collection.described.matrix, strict=True):
            assert np.array_equal(row, cbir.describe(content.path, "hog"))


def test_only_edited_copies_have_such_candidates(photos: Path) -> None:
    with (
        pytest.raises(UsageError, match="for the level edited"),
        open_collection(str(photos), None, (), "near", candidates="hsv"),
    ):
        pass
    with (
        pytest.raises(CbirError, match="nosuch"),
        open_collection(str(photos), None, (), "edited", candidates="nosuch"),
    ):
        pass
