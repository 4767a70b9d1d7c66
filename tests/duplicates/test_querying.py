"""Queries: their copies in a collection, as grouping would classify the same pair."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cbir.core.errors import UnreadableImageError
from cbir.duplicates.collection import Collection, open_collection
from cbir.duplicates.grouping import find_groups
from cbir.duplicates.model import COPY_LEVELS, CopyLevel, ImageRecord, QueryCopies
from cbir.duplicates.querying import find_copies
from tests.duplicates.helpers import Listener, save
from tests.edits import captioned, cropped, mirrored, photo, rotated


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    cat, coffee = photo("cats/cat-1"), photo("things/coffee-1")
    save(cat, folder / "cat.png")
    shutil.copy(folder / "cat.png", folder / "b-cat.png")
    save(cat, folder / "cat.bmp")
    save(cat.resize((240, 156)), folder / "cat-small.jpg", quality=60)
    save(cropped(cat), folder / "a-crop.png")
    save(coffee, folder / "coffee.jpg", quality=85)
    save(photo("windmills/windmill-1"), folder / "windmill.jpg")
    save(Image.new("RGB", (60, 40), "white"), folder / "white.png")
    save(Image.new("RGB", (60, 40), "gray"), folder / "gray.png")
    return folder


@pytest.fixture(scope="module")
def collection(folder: Path) -> Iterator[Collection]:
    with open_collection(str(folder), None, level="edited", workers=2) as collection:
        yield collection


def copies(collection: Collection, query: Path, level: CopyLevel = "edited") -> list[str]:
    (found,) = find_copies(collection, [str(query)], level, workers=2)
    assert isinstance(found, QueryCopies) and found.query == str(query)
    return [os.path.relpath(copy.record.path, collection.root) for copy in found.copies]


def test_a_query_of_the_collection_is_not_its_own_copy(
    collection: Collection, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert copies(collection, folder / "cat.png", "exact") == ["b-cat.png", "cat.bmp"]
    assert copies(collection, folder / "windmill.jpg") == []
    link = tmp_path / "link.jpg"
    link.symlink_to(folder / "windmill.jpg")
    assert copies(collection, link) == []
    monkeypatch.chdir(folder)
    assert copies(collection, Path("windmill.jpg")) == []
    shutil.copy(folder / "windmill.jpg", tmp_path / "elsewhere.jpg")
    assert copies(collection, tmp_path / "elsewhere.jpg") == ["windmill.jpg"]


def test_copies_are_sorted_from_the_strictest(collection: Collection, folder: Path) -> None:
    assert copies(collection, folder / "cat.png") == [
        "b-cat.png", "cat.bmp", "cat-small.jpg", "a-crop.png",
    ]  # fmt: skip
    (found,) = find_copies(collection, [str(folder / "cat-small.jpg")], "edited")
    assert isinstance(found, QueryCopies)
    ranks = [(COPY_LEVELS.index(one.match.level), one.match.distance) for one in found.copies]
    assert ranks == sorted(ranks) and len(ranks) == 4


@pytest.mark.parametrize("level", COPY_LEVELS)
def test_the_verdicts_are_those_of_groups(
    collection: Collection, folder: Path, level: CopyLevel
) -> None:
    """Each copy in a group is one when it is a query, and what is in no group has none."""
    together = {}
    for group in find_groups(collection, level):
        for copy in group.duplicates:
            together[copy.record.path, group.keep.path] = copy.match
    queries = [record.path for record in collection.records]
    found = {
        (one.query, copy.record.path): copy.match
        for one in find_copies(collection, queries, level)
        if isinstance(one, QueryCopies)
        for copy in one.copies
    }
    for (copy, kept), match in together.items():
        for pair in ((copy, kept), (kept, copy)):
            assert (found[pair].level, found[pair].distance) == (match.level, match.distance)
    grouped = {path for pair in together for path in pair}
    assert {query for query, _ in found} == grouped


@pytest.mark.parametrize("turn", ["mirrored", "by 90°", "by 180°", "by 270°", "transposed"])
def test_turned_queries(collection: Collection, tmp_path: Path, turn: str) -> None:
    change = {
        "mirrored": mirrored,
        "by 90°": rotated(90),
        "by 180°": rotated(180),
        "by 270°": rotated(270),
        "transposed": lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    }[turn]
    query = save(change(photo("windmills/windmill-1")), tmp_path / "query.png")
    (found,) = find_copies(collection, [str(query)], "edited")
    assert isinstance(found, QueryCopies) and len(found.copies) == 1
    match = found.copies[0].match
    assert match.mirrored == (turn in ("mirrored", "transposed"))
    # By its hash: no feature had to be counted.
    assert "features" not in match.evidence
    assert copies(collection, query, "near") == []


def test_edited_queries(collection: Collection, tmp_path: Path) -> None:
    query = save(rotated(20)(captioned(photo("things/coffee-1"))), tmp_path / "query.png")
    assert copies(collection, query) == ["coffee.jpg"]
    assert copies(collection, query, "near") == []


def test_the_transform_leads_from_the_query_to_the_copy(
    collection: Collection, folder: Path
) -> None:
    (found,) = find_copies(collection, [str(folder / "cat.png")], "edited")
    assert isinstance(found, QueryCopies)
    transform = found.copies[-1].match.transform
    assert transform is not None
    assert transform == pytest.approx(np.array([[1, 0, -50], [0, 1, -26]]), abs=0.1)


def test_blank_queries(collection: Collection, tmp_path: Path) -> None:
    white = save(Image.new("RGB", (60, 40), "white"), tmp_path / "white.bmp")
    assert copies(collection, white) == ["white.png"]
    for number, size in enumerate([(61, 40), (40, 60)]):
        other = save(Image.new("RGB", size, "white"), tmp_path / f"{number}.png")
        assert copies(collection, other) == []
    almost = np.full((40, 60, 3), 255, np.uint8)
    almost[0, 0, 0] = 254
    assert copies(collection, save(almost, tmp_path / "almost.png")) == []


def test_answers_come_in_order_and_unreadable_queries_are_among_them(
    collection: Collection, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.jpg").write_text("text")
    queries = [folder / "cat.bmp", tmp_path / "text.jpg", tmp_path / "none.png", folder / "cat.png"]
    answers = list(find_copies(collection, [str(path) for path in queries], "near", workers=3))
    assert [type(answer) for answer in answers] == [
        QueryCopies, UnreadableImageError, UnreadableImageError, QueryCopies,
    ]  # fmt: skip
    paths = [one.query if isinstance(one, QueryCopies) else one.path for one in answers]
    assert paths == [str(path) for path in queries]


@pytest.mark.parametrize("level", COPY_LEVELS)
def test_the_number_of_workers_does_not_matter(
    collection: Collection, folder: Path, level: CopyLevel
) -> None:
    queries = [record.path for record in collection.records]
    told = [repr(list(find_copies(collection, queries, level, workers=n))) for n in (1, 4)]
    assert told[0] == told[1]


def test_the_threshold_and_pairs_kept_apart(collection: Collection, folder: Path) -> None:
    query = str(folder / "cat.png")

    def is_excluded(one: ImageRecord, other: ImageRecord) -> bool:
        return one.path == query and other.path.endswith("b-cat.png")

    (found,) = find_copies(collection, [query], "near", is_excluded=is_excluded)
    assert isinstance(found, QueryCopies)
    assert [Path(copy.record.path).name for copy in found.copies] == ["cat.bmp", "cat-small.jpg"]
    distance = found.copies[-1].match.distance
    for threshold, count in ((distance, 3), (distance - 1, 2), (256, 3)):
        if threshold >= 0:
            (found,) = find_copies(collection, [query], "near", threshold=threshold)
            assert isinstance(found, QueryCopies) and len(found.copies) == count


@pytest.mark.parametrize("level", ["near", "edited"])
def test_images_that_have_changed_meanwhile_are_told(tmp_path: Path, level: CopyLevel) -> None:
    folder, listener = tmp_path / "images", Listener()
    for name, source in (
        ("one.jpg", "cats/cat-1"),
        ("two.jpg", "cats/cat-1"),
        ("3.jpg", "fish/fish-1"),
    ):
        save(photo(source).resize((200, 130)), folder / name, quality=len(source) * 9)
    save(photo("cats/cat-1").resize((200, 130)), folder / "good.png")
    query = save(photo("cats/cat-1"), tmp_path / "query.png")
    with open_collection(str(folder), None, level=level) as collection:
        (folder / "one.jpg").unlink()
        (folder / "two.jpg").write_bytes((folder / "3.jpg").read_bytes())
        (found,) = find_copies(collection, [str(query)], level, listener=listener)
    assert isinstance(found, QueryCopies)
    assert [Path(copy.record.path).name for copy in found.copies] == ["good.png"]
    assert listener.warnings and all("images/" in warning for warning in listener.warnings)


@pytest.mark.parametrize("level", COPY_LEVELS)
def test_a_collection_whose_images_are_all_gone(tmp_path: Path, level: CopyLevel) -> None:
    index, folder = str(tmp_path / "index.csv"), tmp_path / "images"
    query = save(photo("cats/cat-1").resize((90, 60)), folder / "cat.png")
    with open_collection(str(folder), index, level=level):
        pass
    query = query.rename(tmp_path / "query.png")
    with open_collection(None, index, level=level) as collection:
        assert find_groups(collection, level) == []
        assert copies(collection, query, level) == []
