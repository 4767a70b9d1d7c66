"""Fitted transforms are compared with known ones and with OpenCV's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.verification.homography import mapped
from cbir.verification.transform_fitting import fit_affine, fit_homography, fit_similarity

SEEDS = st.integers(0, 10**6)


def homography(rng: np.random.Generator) -> np.ndarray:
    """One that brings the corners of a square of 400 pixels elsewhere."""
    corners = np.array([[0, 0], [400, 0], [400, 400], [0, 400]], np.float32)
    there = corners * rng.uniform(0.5, 2) + rng.uniform(-60, 60, (4, 2))
    return np.asarray(cv2.getPerspectiveTransform(corners, there.astype(np.float32)))


@settings(max_examples=40)
@given(seed=SEEDS, count=st.integers(6, 40))
def test_a_known_homography_is_recovered(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    known, points = homography(rng), rng.uniform(0, 400, (count, 2))
    found = fit_homography(points, mapped(known, points))
    assert found is not None
    assert np.abs(mapped(found, points) - mapped(known, points)).max() < 1e-3


@settings(max_examples=20)
@given(seed=SEEDS)
def test_with_noise_it_is_about_as_good_as_that_of_opencv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known, points = homography(rng), rng.uniform(0, 400, (40, 2))
    there = mapped(known, points) + rng.normal(0, 0.5, points.shape)
    found, reference = fit_homography(points, there), cv2.findHomography(points, there, 0)[0]
    assert found is not None
    errors = [
        np.sqrt(((mapped(one, points) - mapped(known, points)) ** 2).mean())
        for one in (found, reference)
    ]
    assert errors[0] < 1.2 * errors[1] + 0.1


@given(seed=SEEDS)
def test_affine_transforms_are_those_of_least_squares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0, 400, (2, 12, 2))
    found = fit_affine(a, b)
    assert found is not None
    residual = a @ found[:, :2].T + found[:, 2] - b
    # The normal equations: what is left has nothing in common with what was fitted.
    assert np.abs(np.column_stack([a, np.ones(12)]).T @ residual).max() < 1e-6


@given(seed=SEEDS, scale=st.floats(0.2, 5), turn=st.floats(0, 6.28))
def test_a_known_similarity_is_recovered(seed: int, scale: float, turn: float) -> None:
    rng = np.random.default_rng(seed)
    a = rng.uniform(0, 400, (5, 2))
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    for fit in (fit_similarity, fit_affine):
        found = fit(a, a @ linear.T + [3, 4])
        assert found is not None
        assert found == pytest.approx(np.column_stack([linear, [3, 4]]), abs=1e-6)


def test_points_on_a_line_give_a_similarity_and_one_place_gives_nothing() -> None:
    line = np.column_stack([np.arange(6.0) * 10, np.arange(6.0) * 20])
    found = fit_affine(line, 2 * line + 1)
    assert found == pytest.approx(np.array([[2, 0, 1], [0, 2, 1]]), abs=1e-9)
    place = np.full((6, 2), 7.0)
    assert fit_similarity(place, place) is None
    assert fit_homography(place, place) is None
    assert fit_homography(line[:3], line[:3]) is None
