"""Spatial matching: known transforms are found, and none is invented."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.descriptors.local_features.base import LocalFeatures
from cbir.descriptors.local_features.orb import OrbExtractor
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.verification.homography import jacobian, mapped
from cbir.verification.spatial_matching import SpatialMatch, SpatialVerifier

SIDE = 400
SQUARE = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], np.float32)


def match(
    first: LocalFeatures, second: LocalFeatures, is_binary: bool = False
) -> SpatialMatch | None:
    return SpatialVerifier(first, is_binary).match(second)


def warped_features(
    rng: np.random.Generator, transform: np.ndarray, right: int, wrong: int
) -> tuple[SiftFeatures, SiftFeatures]:
    """Features of an image and of its warped copy, `wrong` of which are in another place there."""
    count = right + wrong
    points = np.column_stack(
        [
            rng.uniform(10, SIDE - 10, (count, 2)),
            rng.uniform(3, 20, count),
            rng.uniform(0, 2 * np.pi, count),
        ]
    )
    moved = points.copy()
    moved[:, :2] = mapped(transform, points[:, :2]) + rng.normal(0, 0.3, (count, 2))
    for here, there in zip(points, moved, strict=True):
        linear = jacobian(transform, here[0], here[1])
        way = linear @ (np.cos(here[3]), np.sin(here[3]))
        there[3] = np.arctan2(way[1], way[0]) % (2 * np.pi)
        there[2] *= np.sqrt(abs(np.linalg.det(linear)))
    moved[right:, :2] = rng.uniform(0, SIDE, (wrong, 2))
    moved[right:, 3] = rng.uniform(0, 2 * np.pi, wrong)
    numbers = rng.integers(0, 255, (count, 128), dtype=np.uint8)
    order = rng.permutation(count)
    return (
        SiftFeatures(points.astype(np.float32), numbers, SIDE, SIDE),
        SiftFeatures(moved.astype(np.float32)[order], numbers[order], SIDE, SIDE),
    )


def similarity(scale: float, turn: float, x: float, y: float) -> np.ndarray:
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[c, -s, x], [s, c, y], [0, 0, 1]])


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    scale=st.floats(0.3, 3),
    turn=st.floats(0, 6.28),
    wrong=st.integers(0, 150),
)
def test_known_similarities_are_found_among_wrong_matches(
    seed: int, scale: float, turn: float, wrong: int
) -> None:
    rng = np.random.default_rng(seed)
    known = similarity(scale, turn, 50, 80)
    first, second = warped_features(rng, known, 60, wrong)
    found = match(first, second)
    assert found is not None and found.is_same and found.matches == 60 + wrong
    assert 58 <= found.inliers <= 60 + wrong / 8
    corners = SQUARE.astype(float)
    miss = np.abs(mapped(found.transform, corners) - mapped(known, corners)).max()
    assert miss < 8 * max(1, scale)
    assert np.abs(found.candidate_region - mapped(known, found.query_region)).max() < 8 * max(
        1, scale
    )


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), wrong=st.integers(0, 60))
def test_a_known_homography_is_found(seed: int, wrong: int) -> None:
    rng = np.random.default_rng(seed)
    there = SQUARE + rng.uniform(-70, 70, (4, 2)).astype(np.float32)
    known = np.asarray(cv2.getPerspectiveTransform(SQUARE, there))
    first, second = warped_features(rng, known, 120, wrong)
    found = match(first, second)
    assert found is not None and found.is_same and found.inliers >= 40
    inside = mapped(known, found.query_region) - found.candidate_region
    assert np.median(np.abs(inside)) < 15


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_matches_at_random_places_are_not_the_same_thing(seed: int) -> None:
    first, second = warped_features(np.random.default_rng(seed), np.eye(3), 0, 150)
    found = match(first, second)
    assert found is None or not found.is_same


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), turn=st.floats(0, 6.28), x=st.floats(-99, 99))
def test_the_order_of_features_does_not_matter(seed: int, turn: float, x: float) -> None:
    rng = np.random.default_rng(seed)
    first, second = warped_features(rng, similarity(1.2, turn, x, 0), 40, 60)
    order = rng.permutation(len(second))
    shuffled = SiftFeatures(second.points[order], second.descriptors[order], SIDE, SIDE)
    one, other = match(first, second), match(first, shuffled)
    assert one is not None and other is not None
    assert other.transform == pytest.approx(one.transform)
    assert other.pairs[:, 0].tolist() == one.pairs[:, 0].tolist()
    assert other.score == pytest.approx(one.score)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_features_are_not_enough(count: int) -> None:
    first, second = warped_features(np.random.default_rng(0), np.eye(3), count, 0)
    assert match(first, second) is None


def test_many_keypoints_at_one_place_count_once() -> None:
    first, second = warped_features(np.random.default_rng(0), np.eye(3), 30, 0)
    here, there = first.points.copy(), second.points.copy()
    here[:, :2], there[:, :2] = 50, 50
    found = match(
        SiftFeatures(here, first.descriptors, SIDE, SIDE),
        SiftFeatures(there, second.descriptors, SIDE, SIDE),
    )
    assert found is None or found.score <= 1


def test_a_mirrored_thing_is_refused() -> None:
    rng = np.random.default_rng(0)
    first, second = warped_features(rng, np.array([[-1.0, 0, SIDE], [0, 1, 0], [0, 0, 1]]), 60, 0)
    found = match(first, second)
    assert found is None or not found.is_same


def test_unclear_matches_count_less() -> None:
    rng = np.random.default_rng(3)
    first, second = warped_features(rng, np.eye(3), 40, 0)
    clear = match(first, second)
    # A double of each, a little less alike, somewhere else.
    noise = rng.normal(0, 6, second.descriptors.shape)
    double = np.clip(second.descriptors + noise * 1.2, 0, 255).astype(np.uint8)
    noisy = np.clip(second.descriptors + noise, 0, 255).astype(np.uint8)
    places = second.points.copy()
    places[:, :2] = rng.uniform(0, SIDE, (40, 2))
    doubled = SiftFeatures(
        np.vstack([second.points, places]), np.vstack([noisy, double]), SIDE, SIDE
    )
    unclear = match(first, doubled)
    assert clear is not None and clear.score == pytest.approx(40, abs=4)
    assert unclear is not None and unclear.score < 0.9 * unclear.inliers


def scene(rng: np.random.Generator) -> np.ndarray:
    noise = rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)
    return cv2.GaussianBlur(cv2.resize(noise, (480, 360)), (0, 0), 2)


@pytest.mark.parametrize("extractor", [SiftExtractor(), OrbExtractor()])
def test_a_picture_seen_from_aside_is_found_and_another_is_not(
    extractor: SiftExtractor | OrbExtractor,
) -> None:
    rng = np.random.default_rng(5)
    image, other = scene(rng), scene(rng)
    corners = np.array([[0, 0], [479, 0], [479, 359], [0, 359]], np.float32)
    there = np.array([[140, 60], [400, 100], [390, 300], [130, 340]], np.float32)
    known = np.asarray(cv2.getPerspectiveTransform(corners, there))
    photo = cv2.warpPerspective(image, known, (480, 360), dst=other.copy(), borderMode=5)
    first = extractor.extract(image)
    found = match(first, extractor.extract(photo), extractor.is_binary)
    assert found is not None and found.is_same
    assert np.abs(found.candidate_region - mapped(known, found.query_region)).max() < 12
    unlike = match(first, extractor.extract(scene(rng)), extractor.is_binary)
    assert unlike is None or not unlike.is_same
