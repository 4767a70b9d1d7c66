"""Pairing: what is worth a closer look, against looking at all pairs."""

from __future__ import annotations

import tracemalloc
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cbir.core.progress import ProgressListener
from cbir.descriptors.hashes.dihedral import orientations
from cbir.duplicates import shortlists
from cbir.duplicates.candidates import HashCandidates, find_candidates
from cbir.duplicates.copy_classifier import (
    NEAR_DISTANCE,
    ORIENTED_DISTANCE,
    SAME_PIXELS_DISTANCE,
    CopyClassifier,
    Hypotheses,
)
from cbir.duplicates.image_content import Content, ContentCache
from cbir.duplicates.model import CopyLevel
from cbir.duplicates.shortlists import ShortlistBuilder, Shortlists, unpacked
from cbir.images.encoded_image import EncodedImage
from tests.duplicates.helpers import Listener, save, unknown
from tests.edits import cropped, mirrored, photo


def classifier(level: CopyLevel = "near", threshold: int | None = None) -> CopyClassifier:
    return CopyClassifier(ContentCache(unknown), level, threshold)


def random_sights(seed: int, count: int) -> list[Content]:
    """Contents of near and turned hashes, some of them without structure and of many sizes."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 256, (3, 32), np.uint8)
    contents = []
    for number in range(count):
        bits = orientations(base[rng.integers(3)][None])[0, rng.integers(8)]
        flips = rng.permutation(256) < rng.integers(0, 30)
        quality, side = int(rng.integers(20, 100)), 1000 + number
        contents.append(
            Content(bytes([number]), f"{number}", side, 9, bits ^ np.packbits(flips), quality)
        )
    return contents


def candidates_of(found: Shortlists) -> dict[tuple[int, int], Hypotheses]:
    """Hypotheses by content and candidate, the lower number first."""
    return {
        (min(i, j), max(i, j)): unpacked(hypotheses)
        for i in range(len(found.starts) - 1)
        for j, hypotheses in found.of(i)
    }


def apart(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.bitwise_count(one ^ other).sum())


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000), count=st.integers(0, 14), threshold=st.sampled_from([None, 0, 9, 60])
)
def test_pairs_by_hash_are_those_of_brute_force(
    seed: int, count: int, threshold: int | None
) -> None:
    contents = random_sights(seed, count)
    radius = max(NEAR_DISTANCE if threshold is None else threshold, SAME_PIXELS_DISTANCE)
    found = find_candidates(contents, classifier("near", threshold), 2, ProgressListener())
    pairs = {
        (i, j)
        for i, j in combinations(range(count), 2)
        if apart(contents[i].bits, contents[j].bits) <= radius
    }
    assert candidates_of(found) == {pair: Hypotheses({0}) for pair in pairs}


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), count=st.integers(1, 10))
def test_turned_hashes_are_hinted_from_the_first_to_the_second(seed: int, count: int) -> None:
    contents = random_sights(seed, count)

    def no_features(content: Content) -> object:
        from cbir.descriptors.local_features.sift import SiftFeatures

        return SiftFeatures(np.empty((0, 4), np.float32), np.empty((0, 128), np.uint8), 9, 9)

    generous = CopyClassifier(ContentCache(unknown), "edited")
    generous.cache.features = no_features  # type: ignore[method-assign,assignment]
    order = np.random.default_rng(seed).permutation(count).tolist()
    found = candidates_of(find_candidates(contents, generous, 2, ProgressListener(), order))
    for i, j in combinations(range(count), 2):
        oriented = orientations(contents[i].bits[None])[0]
        limits = [NEAR_DISTANCE, *[ORIENTED_DISTANCE] * 7]
        near = {
            orientation
            for orientation, limit in enumerate(limits)
            if apart(oriented[orientation], contents[j].bits) <= limit
        }
        assert (found[i, j].orientations if (i, j) in found else set()) == near
    # A query of the same hash is told the same.
    candidates = HashCandidates(contents, generous).candidates(
        Content(b"q", "q", 9, 9, contents[0].bits, 90)
    )
    for j in range(1, count):
        assert (candidates[j].orientations if j in candidates else set()) == (
            found[0, j].orientations if (0, j) in found else set()
        )
    assert 0 in candidates[0].orientations


def test_features_vote_for_crops_in_both_directions(tmp_path: Path) -> None:
    cat, cache = photo("cats/cat-1"), ContentCache(unknown)
    images = [cat, cropped(cat), mirrored(cropped(cat)), photo("things/coffee-1")]
    contents = [
        cache.load(str(save(image, tmp_path / f"{number}.png")), True)
        for number, image in enumerate(images)
    ]
    for order in (contents, contents[::-1]):
        found = candidates_of(
            find_candidates(order, CopyClassifier(cache, "edited"), 2, ProgressListener())
        )
        place = {content.path: number for number, content in enumerate(order)}
        whole, crop, flipped = (place[content.path] for content in contents[:3])

        def votes(one: int, other: int) -> set[bool]:
            return found[min(one, other), max(one, other)].feature_votes  # noqa: B023 - called at once

        assert False in votes(whole, crop)
        assert True in votes(whole, flipped) and True in votes(crop, flipped)


def test_images_without_structure_are_paired_by_their_pixels(tmp_path: Path) -> None:
    cache = ContentCache(unknown)
    white, gray = Image.new("RGB", (50, 40), "white"), Image.new("RGB", (50, 40), "gray")
    paths = [
        save(white, tmp_path / "0.png"), save(gray, tmp_path / "1.png"),
        save(white, tmp_path / "2.bmp"), save(white.resize((40, 50)), tmp_path / "3.png"),
        save(gray, tmp_path / "4.bmp"), save(white, tmp_path / "5.tif"),
    ]  # fmt: skip
    contents = [cache.load(str(path), False) for path in paths]
    assert all(content.textureless for content in contents)
    found = find_candidates(contents, CopyClassifier(cache, "near"), 2, ProgressListener())
    # Each with the first of its kind: a group is a star.
    assert sorted(candidates_of(found)) == [(0, 2), (0, 5), (1, 4)]
    nearby = HashCandidates(contents, CopyClassifier(cache, "near")).candidates(contents[0])
    assert sorted(nearby) == [0, 1, 2, 4, 5]
    # The first is the first in the order of the keep policy, for it will be kept.
    found = find_candidates(
        contents, CopyClassifier(cache, "near"), 2, ProgressListener(), [5, 4, 3, 2, 1, 0]
    )
    assert sorted(candidates_of(found)) == [(0, 5), (1, 4), (2, 5)]


@pytest.mark.parametrize("threshold", [None, 0, 3, 256])
def test_a_level_includes_those_before_it(tmp_path: Path, threshold: int | None) -> None:
    """Equal pixels may have different hashes: a JPEG is decoded at a reduced size for its own."""
    large = photo("windmills/windmill-1").resize((900, 1200))
    lossy = save(large, tmp_path / "a.jpg", quality=90)
    clean = save(EncodedImage.open(str(lossy)).pixels(None), tmp_path / "b.png")
    cache = ContentCache(unknown)
    contents = [cache.load(str(path), False) for path in (lossy, clean)]
    distance = apart(contents[0].bits, contents[1].bits)
    assert 0 < distance <= SAME_PIXELS_DISTANCE
    for level in (classifier("exact"), CopyClassifier(cache, "near", threshold)):
        found = find_candidates(contents, level, 1, ProgressListener())
        match = level.classify(*contents, candidates_of(found)[0, 1])
        assert match is not None and match.evidence == "same pixels"
        assert level.hash_radius >= distance
    nearby = HashCandidates(contents, CopyClassifier(cache, "near", threshold)).candidates(
        contents[0]
    )
    assert sorted(nearby) == [0, 1]


# Many that look alike


def look_alikes(count: int, flips: int = 15) -> list[Content]:
    """Frames of a fixed camera: all hashes are near to each other."""
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, 32, np.uint8)
    return [
        Content(
            number.to_bytes(4, "big"), f"{number}", 1000 + number, 9,
            base ^ np.packbits(rng.permutation(256) < rng.integers(1, flips)), 90,
        )
        for number in range(count)
    ]  # fmt: skip


@settings(max_examples=30)
@given(
    seed=st.integers(0, 1000),
    count=st.integers(1, 40),
    first=st.integers(1, 12),
    nearest=st.integers(1, 5),
)
def test_of_many_look_alikes_the_first_and_the_nearest_are_compared(
    seed: int, count: int, first: int, nearest: int
) -> None:
    contents, listener = look_alikes(count, flips=26), Listener()
    order = np.random.default_rng(seed).permutation(count).tolist()
    found = find_candidates(contents, classifier(), 2, listener, order, first, nearest)
    crowded = 0
    for place, content_id in enumerate(order):
        distances = {
            other: distance
            for other in order[:place]
            if (distance := apart(contents[content_id].bits, contents[other].bits)) <= NEAR_DISTANCE
        }
        # Sorting is stable: of the equally near ones the first.
        wanted = {*list(distances)[:first], *sorted(distances, key=distances.__getitem__)[:nearest]}
        assert [other for other, _ in found.of(content_id)] == sorted(wanted, key=order.index)
        crowded += len(distances) > first
    assert len(listener.warnings) == (crowded > 0)
    if crowded:
        assert listener.warnings[0].startswith(f"{crowded} image")


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), count=st.integers(1, 40))
def test_shortlists_hold_the_same_pairs_in_another_order(seed: int, count: int) -> None:
    order = np.random.default_rng(seed).permutation(count).tolist()
    found = find_candidates(look_alikes(count, flips=26), classifier(), 2, ProgressListener())
    oriented = found.in_order(order)
    assert candidates_of(oriented) == candidates_of(found)
    for content_id in range(count):
        others = [order.index(other) for other, _ in oriented.of(content_id)]
        assert others == sorted(others) and all(other < order.index(content_id) for other in others)


def test_look_alikes_do_not_fill_memory_with_the_square_of_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some are held besides those that are compared, here at most a thousand."""
    monkeypatch.setattr(shortlists, "_MERGED_AT", 1000)
    held = []
    add = ShortlistBuilder.add

    def watched(self: ShortlistBuilder, *pairs: Any) -> None:
        for part in range(0, len(pairs[0]), 500):  # small parts, as those of many images are
            add(self, *(one if np.ndim(one) == 0 else one[part : part + 500] for one in pairs))
            held.append(len(self))

    monkeypatch.setattr(ShortlistBuilder, "add", watched)
    count, most = 600, 12
    listener = Listener()
    found = find_candidates(look_alikes(count), classifier(), 2, listener, None, most - 2, 2)
    assert len(found.earlier) <= count * most
    assert max(held) <= 2 * (count * most + 1000) < count * (count - 1) / 2 / 5
    assert listener.warnings == [
        "589 images may be a copy of more than 10 others: only the first 10 and the nearest 2 are "
        "compared, so that copies may be missed"
    ]


def test_two_thousand_look_alikes_take_little_memory() -> None:
    """A dictionary of two million pairs took 900 MB."""
    contents = look_alikes(2000)
    tracemalloc.start()
    try:
        found = find_candidates(contents, classifier(), 1, ProgressListener())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.earlier) > 1_000_000
    assert peak < 200e6
