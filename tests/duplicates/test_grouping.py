"""Groups: the greedy rule, whatever the order, the names and the number of threads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from cbir.core.progress import ProgressListener
from cbir.duplicates.collection import Collection
from cbir.duplicates.copy_classifier import CopyClassifier, Hypotheses
from cbir.duplicates.grouping import (
    MatchCache,
    _Search,
    find_groups,
    nothing_excluded,
    reversed_match,
)
from cbir.duplicates.image_content import Content
from cbir.duplicates.model import COPY_LEVELS, KEEP_POLICIES, CopyLevel, CopyMatch, ImageRecord
from cbir.duplicates.shortlists import ShortlistBuilder, orientation_bit
from tests.conftest import DATA
from tests.duplicates.helpers import Listener, collected, members, names, save
from tests.edits import cropped, mirrored, photo

BITS = np.zeros(32, np.uint8)


# The rule, with a classifier that knows the answers


class OracleJudge:
    """Says that the pairs it was given match."""

    def __init__(self, pairs: set[frozenset[int]]) -> None:
        self.pairs = pairs
        self.asked: list[tuple[int, int]] = []

    def classify(self, first: Content, second: Content, hypotheses: Hypotheses) -> CopyMatch | None:
        pair = int.from_bytes(first.sha256, "big"), int.from_bytes(second.sha256, "big")
        self.asked.append(pair)
        return CopyMatch("near", 1, "they match") if frozenset(pair) in self.pairs else None


def joined_one_by_one(
    order: list[int],
    pairs: set[frozenset[int]],
    references: set[int],
    is_excluded: set[frozenset[int]],
) -> dict[int, int]:
    """Each joins the first that is kept and that it matches."""
    kept: list[int] = []
    joined: dict[int, int] = {}
    for content_id in order:
        candidates = [
            one
            for one in kept
            if frozenset((one, content_id)) in pairs
            and frozenset((one, content_id)) not in is_excluded
        ]
        if candidates and content_id not in references:
            joined[content_id] = candidates[0]
        else:
            kept.append(content_id)
    return joined


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[int], set[frozenset[int]], set[frozenset[int]]]:
    count = draw(st.integers(1, 12))
    every = [frozenset(pair) for pair in combinations(range(count), 2)]
    hinted = {pair for pair in every if draw(st.booleans())}
    pairs = {pair for pair in every if pair in hinted and draw(st.integers(0, 2))}
    return count, draw(st.permutations(range(count))), hinted, pairs


@settings(max_examples=60)
@given(graph=graphs(), workers=st.sampled_from([1, 3]), data=st.data())
def test_rounds_give_what_going_one_by_one_gives(graph: Any, workers: int, data: Any) -> None:
    count, order, hinted, pairs = graph
    # References stand first in the order of every keep policy.
    references = set(order[: data.draw(st.integers(0, count))])
    is_excluded = {pair for pair in sorted(pairs, key=sorted) if data.draw(st.integers(0, 4)) == 0}
    records = [
        ImageRecord(f"{i}", bytes([i]), 1, 1, 9, 9, 90, reference=i in references)
        for i in range(count)
    ]
    contents = [Content(bytes([i]), f"{i}", 9, 9, BITS, 90) for i in range(count)]
    found = ShortlistBuilder(np.array(order), count, count)
    for pair in hinted:
        one, other = (np.array([order.index(content_id)]) for content_id in pair)
        found.add(one, other, orientation_bit(0))
    shortlists, _ = found.finish()
    classifier = OracleJudge(pairs)
    search = _Search(
        records,
        shortlists,
        MatchCache(contents, classifier, ProgressListener()),  # type: ignore[arg-type]
        lambda one, other: frozenset((int(one.path), int(other.path))) in is_excluded,
        lambda *_: (),
        frozenset(),
    )
    search.run(order, workers, ProgressListener())
    joined = {content_id: found.kept for content_id, found in search.joined.items()}
    assert joined == joined_one_by_one(order, pairs, references, is_excluded)
    assert all(one < other for one, other in classifier.asked)
    assert len(set(classifier.asked)) == len(classifier.asked)


def test_a_match_is_turned_round_with_its_transform() -> None:
    transform = np.array([[0.5, 0.1, 7.0], [-0.2, 0.6, 3.0]])
    match = CopyMatch("edited", 5, "some", transform, mirrored=False)
    back = reversed_match(match)
    assert back.transform is not None
    assert back.transform @ [*(transform @ [30, 40, 1]), 1] == pytest.approx([30, 40])
    twice = reversed_match(back).transform
    assert twice == pytest.approx(transform)
    near = CopyMatch("near", 5, "some")
    assert reversed_match(near) is near


# The whole search, on images


def copies_of(folder: Path) -> Path:
    """Three photographs with copies of several kinds, two others, and blank images."""
    cat, coffee, brook = photo("cats/cat-1"), photo("things/coffee-1"), photo("forest/brook-1")
    save(cat, folder / "cat.png")
    save(cat, folder / "b" / "cat.bmp")
    save(cat.resize((300, 195)), folder / "b" / "cat-small.jpg", quality=70)
    save(mirrored(cat).resize((360, 234)), folder / "cat-mirrored.png")
    save(coffee, folder / "coffee.jpg", quality=85)
    shutil.copy(folder / "coffee.jpg", folder / "b" / "coffee.jpg")
    save(cropped(coffee), folder / "coffee-crop.png")
    save(brook, folder / "brook.jpg", quality=90)
    save(brook.filter(ImageFilter.GaussianBlur(1)), folder / "a-brook.png")
    save(photo("windmills/windmill-1"), folder / "windmill.jpg")
    save(photo("lemurs/lemur-1"), folder / "lemur.jpg")
    rng = np.random.default_rng(0)
    for number in range(2):
        save(rng.integers(250, 253, (80, 120, 3), np.uint8), folder / f"noise{number}.png")
    save(Image.new("RGB", (120, 80), "white"), folder / "white.png")
    save(Image.new("RGB", (120, 80), "white"), folder / "b" / "white.bmp")
    for path in folder.rglob("*.*"):
        os.utime(path, (10, 10))
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copies_of(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def collection(images: Path) -> Iterator[Collection]:
    with collected(images, "edited") as collection:
        yield collection


EXPECTED: dict[CopyLevel, list[list[str]]] = {
    "exact": [
        ["b/cat.bmp", "cat.png"], ["b/coffee.jpg", "coffee.jpg"], ["b/white.bmp", "white.png"],
    ],
    "near": [
        ["b/cat.bmp", "b/cat-small.jpg", "cat.png"], ["b/coffee.jpg", "coffee.jpg"],
        ["b/white.bmp", "white.png"], ["brook.jpg", "a-brook.png"],
    ],
    "edited": [
        ["b/cat.bmp", "b/cat-small.jpg", "cat-mirrored.png", "cat.png"],
        ["b/coffee.jpg", "coffee-crop.png", "coffee.jpg"],
        ["b/white.bmp", "white.png"], ["brook.jpg", "a-brook.png"],
    ],
}  # fmt: skip


def sorted_members(groups: list[list[str]]) -> list[list[str]]:
    return [[first, *sorted(others)] for first, *others in groups]


@pytest.mark.parametrize("level", COPY_LEVELS)
def test_what_each_level_finds(collection: Collection, level: CopyLevel) -> None:
    groups = find_groups(collection, level, workers=2)
    assert sorted_members(names(groups, collection.root)) == EXPECTED[level]
    assert [group.number for group in groups] == list(range(1, len(groups) + 1))
    for group in groups:
        for copy in group.duplicates:
            assert COPY_LEVELS.index(copy.match.level) <= COPY_LEVELS.index(level)
            assert 0 <= copy.match.distance <= group.max_distance <= 256


@pytest.mark.parametrize("keep", ["largest", "smallest", "first"])
def test_every_member_is_a_copy_of_the_kept_image(collection: Collection, keep: Any) -> None:
    """Asked again, of the classifier, with every hypothesis.

    One that shows more than the kept image may be the kept image of a group of its own; what is to
    be removed is in one group only, and is kept for nothing else.
    """
    contents = {content.sha256: content for content in collection.contents}
    classifier = CopyClassifier(collection.cache, "edited")
    kept, removable = set(), set()
    for group in find_groups(collection, "edited", keep=keep, workers=2):
        for copy in group.duplicates:
            pair = contents[group.keep.sha256], contents[copy.record.sha256]
            assert classifier.classify(*pair, Hypotheses(set(range(8)), {False, True})) is not None
        paths = [group.keep.path, *(record.path for record in members(group))]
        assert len(set(paths)) == len(paths)
        going = [copy.record.path for copy in group.duplicates if copy.removable]
        assert removable.isdisjoint(going) and group.keep.path not in kept
        kept.add(group.keep.path)
        removable.update(going)
    assert removable and kept.isdisjoint(removable)


def test_the_keep_policies(images: Path, tmp_path: Path) -> None:
    for number, name in enumerate(["middle.png", "old.jpg", "new.png"]):
        blurred = photo("cats/cat-1").filter(ImageFilter.GaussianBlur(number * 0.6))
        size = ((320, 208), (400, 260), (200, 130))[number]
        path = save(blurred.resize(size, Image.Resampling.LANCZOS), tmp_path / name)
        os.utime(path, (1000 * (number != 1) + number, 1000 * (number != 1) + number))
    with collected(tmp_path, "near") as collection:
        kept = {
            keep: names(
                find_groups(collection, "near", keep=keep, allow_loss=["detail"]), str(tmp_path)
            )[0]
            for keep in KEEP_POLICIES
        }
        without = names(find_groups(collection, "near", keep="smallest"), str(tmp_path))[0]
    assert without == kept["smallest"], "who asks for the smallest allows the loss of detail"
    assert kept["largest"] == ["old.jpg", "middle.png", "new.png"]
    assert kept["smallest"] == ["new.png", "middle.png", "old.jpg"]
    assert kept["oldest"] == ["old.jpg", "middle.png", "new.png"]
    assert kept["newest"] == ["new.png", "middle.png", "old.jpg"]
    assert kept["first"] == ["middle.png", "new.png", "old.jpg"]
    assert kept["sharpest"][0] == "middle.png"


@pytest.mark.parametrize("level", COPY_LEVELS)
def test_the_number_of_workers_does_not_matter(collection: Collection, level: CopyLevel) -> None:
    one, other = (repr(find_groups(collection, level, workers=workers)) for workers in (1, 4))
    assert one == other


def test_names_matter_only_among_equals(images: Path, tmp_path: Path) -> None:
    """Under reversed names the same contents are together."""
    every = sorted(path for path in images.rglob("*") if path.is_file())
    for number, path in enumerate(reversed(every)):
        shutil.copy2(path, tmp_path / f"{number:02}{path.suffix}")
    together = []
    for folder in (images, tmp_path):
        with collected(folder, "edited") as collection:
            groups = find_groups(collection, "edited")
        together.append(
            {
                frozenset(record.sha256 for record in (group.keep, *members(group)))
                for group in groups
            }
        )
    assert together[0] == together[1]


def test_groups_do_not_chain(tmp_path: Path) -> None:
    """The right half and the left half are copies of the whole, but not of each other."""
    whole = photo("buildings/pagoda-1")
    save(whole.crop((0, 0, 210, 267)), tmp_path / "left.png")
    save(whole.crop((190, 0, 400, 267)), tmp_path / "right.png")
    save(whole, tmp_path / "whole.png")
    with collected(tmp_path, "edited") as collection:
        largest = names(find_groups(collection, "edited"), str(tmp_path))
        smallest = names(find_groups(collection, "edited", keep="smallest"), str(tmp_path))
    assert largest == [["whole.png", "left.png", "right.png"]]
    assert smallest in ([["left.png", "whole.png"]], [["right.png", "whole.png"]])


def test_references_are_kept_and_come_first(images: Path, tmp_path: Path) -> None:
    save(photo("cats/cat-1").resize((200, 130)), tmp_path / "cat.png")
    save(photo("cats/cat-1").resize((240, 156)), tmp_path / "cat-too.png")
    shutil.copy(images / "coffee.jpg", tmp_path / "coffee.jpg")
    shutil.copy(images / "coffee.jpg", tmp_path / "coffee-again.jpg")
    for path in tmp_path.iterdir():
        os.utime(path, (9, 9))
    with collected(images, "near", tmp_path) as collection:
        for keep in KEEP_POLICIES:
            groups = find_groups(collection, "near", keep=keep, allow_loss=["detail"])
            assert not any(record.reference for group in groups for record in members(group))
            by_kept = {group.keep.path: group for group in groups}
            cats = [by_kept[path] for path in by_kept if f"{tmp_path}/cat" in path]
            assert len(cats) == 1 and len(members(cats[0])) == 3
            first = "coffee-again.jpg" if keep == "first" else "coffee.jpg"
            coffees = members(by_kept[f"{tmp_path}/{first}"])
            assert sorted(record.path for record in coffees) == [
                str(images / "b/coffee.jpg"), str(images / "coffee.jpg"),
            ]  # fmt: skip


def test_images_that_are_kept_apart(collection: Collection, images: Path) -> None:
    kept = str(images / "b/cat.bmp")

    def is_excluded(one: ImageRecord, other: ImageRecord) -> bool:
        return {one.path, other.path} == {kept, str(images / "b/cat-small.jpg")}

    groups = names(find_groups(collection, "near", is_excluded=is_excluded), collection.root)
    assert ["b/cat.bmp", "cat.png"] in groups and len(groups) == 4
    groups = names(find_groups(collection, "near", is_excluded=lambda *_: True), collection.root)
    assert groups == [["b/coffee.jpg", "coffee.jpg"]]
    assert nothing_excluded(collection.records[0], collection.records[1]) is False


def test_a_thousand_equal_files_are_one_content(tmp_path: Path) -> None:
    first = save(photo("cats/cat-1").resize((90, 60)), tmp_path / "0000.png")
    for number in range(1, 1000):
        shutil.copyfile(first, tmp_path / f"{number:04}.png")
    with collected(tmp_path, "near") as collection:
        assert len(collection.contents) == 1 and len(collection.records) == 1000
        first.with_name("0500.png").unlink()
        (group,) = find_groups(collection, "edited", keep="first")
    assert group.keep.path.endswith("0000.png") and len(group.duplicates) == 999
    assert {copy.match.evidence for copy in group.duplicates} == {"same bytes"}


@pytest.mark.parametrize(
    ("level", "change"),
    [("exact", "removed"), ("near", "replaced"), ("near", "cut"), ("edited", "removed")],
)
def test_images_that_change_meanwhile_are_told_and_the_rest_goes_on(
    tmp_path: Path, level: CopyLevel, change: str
) -> None:
    folder = copies_of(tmp_path / "images")
    listener = Listener()
    with collected(folder, level) as collection:
        for name in ("b/cat.bmp", "noise0.png", "b/white.bmp", "brook.jpg"):
            path = folder / name
            if change == "removed":
                path.unlink()
            elif change == "replaced":
                path.write_bytes((DATA / "cats" / "cat-5.jpg").read_bytes())
            else:
                path.write_bytes(path.read_bytes()[:50])
        groups = names(find_groups(collection, level, listener=listener), str(folder))
    assert any("cat.bmp" in warning for warning in listener.warnings)
    assert any(group[0] == "b/coffee.jpg" for group in groups)
    if level != "exact":
        assert any(group[0] == "cat.png" and "b/cat-small.jpg" in group for group in groups)


def test_sharpness_of_an_image_that_has_gone(tmp_path: Path) -> None:
    folder = copies_of(tmp_path / "images")
    with collected(folder, "near") as collection:
        (folder / "windmill.jpg").unlink()
        assert find_groups(collection, "near", keep="sharpest")


def test_images_of_one_photograph_of_the_repository(photos: Path) -> None:
    """Of twelve photographs two pairs are sections of each other."""
    with collected(photos, "edited") as collection:
        assert sorted_members(names(find_groups(collection, "edited"), str(photos))) == [
            ["cats/cat-2.jpg", "cats/cat-1.jpg"],
            ["desert/orange-dune-1.jpg", "desert/orange-dune-2.jpg"],
        ]
