"""Alignment: known transforms are recovered, and none is invented."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.descriptors.local_features.sift import SiftFeatures
from cbir.verification.alignment import align
from cbir.verification.geometry import scale_of


def features_and_moved(
    rng: np.random.Generator, linear: np.ndarray, shift: np.ndarray, right: int, wrong: int
) -> tuple[SiftFeatures, SiftFeatures]:
    """Features of an image and of its copy, `wrong` of which look alike in another place."""
    count = right + wrong
    points = np.column_stack(
        [
            rng.uniform(0, 400, (count, 2)),
            rng.uniform(2, 20, count),
            rng.uniform(0, 2 * np.pi, count),
        ]
    )
    moved = points.copy()
    moved[:, :2] = points[:, :2] @ linear.T + shift + rng.normal(0, 0.3, (count, 2))
    # Size and direction as the transform changes them around each point.
    ways = np.column_stack([np.cos(points[:, 3]), np.sin(points[:, 3])]) @ linear.T
    moved[:, 3] = np.arctan2(ways[:, 1], ways[:, 0]) % (2 * np.pi)
    moved[:, 2] *= np.sqrt(abs(np.linalg.det(linear)))
    moved[right:, :2] = rng.uniform(0, 400, (wrong, 2))
    numbers = rng.integers(0, 255, (count, 128), dtype=np.uint8)
    order = rng.permutation(count)
    return (
        SiftFeatures(points.astype(np.float32), numbers, 400, 400),
        SiftFeatures(moved.astype(np.float32)[order], numbers[order], 400, 400),
    )


def matrix(scale: float, turn: float, stretch: float = 1.0, shear: float = 0.0) -> np.ndarray:
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return scale * rotation @ np.array([[stretch, shear], [0, 1 / stretch]])


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    scale=st.floats(0.3, 3),
    turn=st.floats(0, 6.28),
    stretch=st.floats(0.95, 1.05),
    shear=st.floats(-0.05, 0.05),
    wrong=st.integers(0, 120),
)
def test_known_transforms_are_recovered_among_wrong_matches(
    seed: int, scale: float, turn: float, stretch: float, shear: float, wrong: int
) -> None:
    rng = np.random.default_rng(seed)
    linear, shift = matrix(scale, turn, stretch, shear), rng.uniform(-200, 200, 2)
    first, second = features_and_moved(rng, linear, shift, 60, wrong)
    found = align(first, second)
    assert found is not None and found.matches == 60 + wrong
    # One keypoint's similarity has to predict the others: a stretch costs those far away.
    assert 30 <= found.inliers <= 60 + wrong / 20
    corners = np.array([[0, 0], [400, 0], [0, 400], [400, 400]], float)
    there = corners @ found.transform[:, :2].T + found.transform[:, 2]
    assert np.abs(there - (corners @ linear.T + shift)).max() < 2 * max(1, scale)
    assert scale_of(found.transform) == pytest.approx(scale, rel=0.02)
    assert 15 < found.cells <= 64


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20)
def test_random_features_do_not_align(seed: int) -> None:
    """Not even where all of them look alike in pairs."""
    rng = np.random.default_rng(seed)
    first, second = features_and_moved(rng, np.eye(2), np.zeros(2), 0, 80)
    turned = second.points.copy()
    turned[:, 2], turned[:, 3] = rng.uniform(2, 20, 80), rng.uniform(0, 6.28, 80)
    assert align(first, SiftFeatures(turned, second.descriptors, 400, 400)) is None
    other = rng.integers(0, 255, (80, 128), dtype=np.uint8)
    assert align(first, SiftFeatures(turned, other, 400, 400)) is None


@pytest.mark.parametrize("count", [0, 1, 5])
def test_few_matches_are_not_enough(count: int) -> None:
    rng = np.random.default_rng(0)
    first, second = features_and_moved(rng, np.eye(2), np.zeros(2), count, 0)
    assert align(first, second) is None


def test_matches_on_one_point_or_line_give_no_nonsense() -> None:
    rng = np.random.default_rng(0)
    first, second = features_and_moved(rng, np.eye(2), np.array([3.0, 4.0]), 20, 0)
    for columns in (slice(0, 1), slice(0, 2)):
        here, there = first.points.copy(), second.points.copy()
        here[:, columns], there[:, columns] = 50, 50
        found = align(
            SiftFeatures(here, first.descriptors, 400, 400),
            SiftFeatures(there, second.descriptors, 400, 400),
        )
        assert found is None or scale_of(found.transform) == pytest.approx(1, rel=0.1)


@given(scale=st.floats(0.01, 100), turn=st.floats(0, 6.28), mirror=st.booleans())
def test_the_scale_of_a_similarity(scale: float, turn: float, mirror: bool) -> None:
    linear = matrix(scale, turn) @ np.diag([-1.0 if mirror else 1.0, 1.0])
    assert scale_of(np.column_stack([linear, [5, 6]])) == pytest.approx(scale)
