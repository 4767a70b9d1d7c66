"""Pairing: what is worth a closer look, against looking at all pairs."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cbir.descriptors.orientations import orientations
from cbir.duplicates.matching import (
    NEAR_DISTANCE,
    SAME_PIXELS_DISTANCE,
    TURNED_DISTANCE,
    Hint,
    Judge,
)
from cbir.duplicates.model import Level
from cbir.duplicates.pairing import Surroundings, pair_up, radius_of
from cbir.duplicates.sights import Eyes, Sight
from cbir.images import Picture
from cbir.watching import Watcher

from ..edits import cropped, mirrored, photo
from .helpers import save, unknown


def judge(level: Level = "near", threshold: int | None = None) -> Judge:
    return Judge(Eyes(unknown), level, threshold)


def random_sights(seed: int, count: int) -> list[Sight]:
    """Sights of near and turned hashes, some of them without structure and of many sizes."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 256, (3, 32), np.uint8)
    sights = []
    for number in range(count):
        bits = orientations(base[rng.integers(3)][None])[0, rng.integers(8)]
        flips = rng.permutation(256) < rng.integers(0, 30)
        quality, side = int(rng.integers(20, 100)), 1000 + number
        sights.append(
            Sight(bytes([number]), f"{number}", side, 9, bits ^ np.packbits(flips), quality)
        )
    return sights


def apart(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.bitwise_count(one ^ other).sum())


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000), count=st.integers(0, 14), threshold=st.sampled_from([None, 0, 9, 60])
)
def test_pairs_by_hash_are_those_of_brute_force(
    seed: int, count: int, threshold: int | None
) -> None:
    sights = random_sights(seed, count)
    radius = max(NEAR_DISTANCE if threshold is None else threshold, SAME_PIXELS_DISTANCE)
    found = pair_up(sights, judge("near", threshold), 2, Watcher())
    pairs = {
        (i, j)
        for i, j in combinations(range(count), 2)
        if apart(sights[i].bits, sights[j].bits) <= radius
    }
    assert {(i, j) for i, hints in enumerate(found) for j in hints if i < j} == pairs
    for i, hints in enumerate(found):
        assert all(found[j][i] is hint and hint == Hint({0}) for j, hint in hints.items())


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), count=st.integers(1, 10))
def test_turned_hashes_are_hinted_from_the_first_to_the_second(seed: int, count: int) -> None:
    sights = random_sights(seed, count)

    def no_features(sight: Sight) -> object:
        from cbir.descriptors.sift import Features

        return Features(np.empty((0, 4), np.float32), np.empty((0, 128), np.uint8), 9, 9)

    generous = Judge(Eyes(unknown), "edited")
    generous.eyes.features = no_features  # type: ignore[method-assign,assignment]
    found = pair_up(sights, generous, 2, Watcher())
    for i, j in combinations(range(count), 2):
        turned = orientations(sights[i].bits[None])[0]
        limits = [NEAR_DISTANCE, *[TURNED_DISTANCE] * 7]
        turns = {
            turn
            for turn, limit in enumerate(limits)
            if apart(turned[turn], sights[j].bits) <= limit
        }
        assert (found[i][j].turns if j in found[i] else set()) == turns
    # A query of the same hash is told the same.
    hints = Surroundings(sights, generous).hints(Sight(b"q", "q", 9, 9, sights[0].bits, 90))
    for j in range(1, count):
        assert (hints[j].turns if j in hints else set()) == (
            found[0][j].turns if j in found[0] else set()
        )
    assert 0 in hints[0].turns


def test_features_vote_for_crops_in_both_directions(tmp_path: Path) -> None:
    cat, eyes = photo("cats/cat-1"), Eyes(unknown)
    pictures = [cat, cropped(cat), mirrored(cropped(cat)), photo("things/coffee-1")]
    sights = [
        eyes.see(str(save(picture, tmp_path / f"{number}.png")), True)
        for number, picture in enumerate(pictures)
    ]
    for order in (sights, sights[::-1]):
        found = pair_up(order, Judge(eyes, "edited"), 2, Watcher())
        place = {sight.path: number for number, sight in enumerate(order)}
        whole, crop, flipped = (place[sight.path] for sight in sights[:3])
        assert False in found[whole][crop].features and found[crop][whole].features
        assert True in found[whole][flipped].features and True in found[crop][flipped].features


def test_pictures_without_structure_are_paired_by_their_pixels(tmp_path: Path) -> None:
    eyes = Eyes(unknown)
    white, gray = Image.new("RGB", (50, 40), "white"), Image.new("RGB", (50, 40), "gray")
    paths = [
        save(white, tmp_path / "0.png"), save(gray, tmp_path / "1.png"),
        save(white, tmp_path / "2.bmp"), save(white.resize((40, 50)), tmp_path / "3.png"),
        save(gray, tmp_path / "4.bmp"), save(white, tmp_path / "5.tif"),
    ]  # fmt: skip
    sights = [eyes.see(str(path), False) for path in paths]
    assert all(sight.plain for sight in sights)
    found = pair_up(sights, Judge(eyes, "near"), 2, Watcher())
    # Each with the first of its kind: a group is a star.
    assert {(i, j) for i, hints in enumerate(found) for j in hints if i < j} == {
        (0, 2), (0, 5), (1, 4),
    }  # fmt: skip
    nearby = Surroundings(sights, Judge(eyes, "near")).hints(sights[0])
    assert sorted(nearby) == [0, 1, 2, 4, 5]
    # The first is the first in the order of the keep policy, for it will be kept.
    found = pair_up(sights, Judge(eyes, "near"), 2, Watcher(), [5, 4, 3, 2, 1, 0])
    assert sorted(found[5]) == [0, 2] and sorted(found[4]) == [1]


@pytest.mark.parametrize("threshold", [None, 0, 3, 256])
def test_a_level_includes_those_before_it(tmp_path: Path, threshold: int | None) -> None:
    """Equal pixels may have different hashes: a JPEG is decoded at a reduced size for its own."""
    large = photo("windmills/windmill-1").resize((900, 1200))
    lossy = save(large, tmp_path / "a.jpg", quality=90)
    clean = save(Picture.open(str(lossy)).pixels(None), tmp_path / "b.png")
    eyes = Eyes(unknown)
    sights = [eyes.see(str(path), False) for path in (lossy, clean)]
    distance = apart(sights[0].bits, sights[1].bits)
    assert 0 < distance <= SAME_PIXELS_DISTANCE
    for level in (judge("exact"), Judge(eyes, "near", threshold)):
        found = pair_up(sights, level, 1, Watcher())
        assert 1 in found[0]
        match = level.match(*sights, found[0][1])
        assert match is not None and match.evidence == "same pixels"
        assert radius_of(level) >= distance
    nearby = Surroundings(sights, Judge(eyes, "near", threshold)).hints(sights[0])
    assert sorted(nearby) == [0, 1]
