"""Tones: changes of gamma and contrast are undone, and nothing else is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cbir.verification.tones import with_equal_tones
from tests.edits import photo


@pytest.fixture(scope="module")
def plane() -> np.ndarray:
    return np.asarray(photo("cats/cat-2").convert("L"), np.float32)


def spread(one: np.ndarray, other: np.ndarray) -> float:
    """What a straight line between the tones of two images leaves, in gray levels."""
    slope, level = np.polyfit(one.ravel(), other.ravel(), 1)
    return float(np.std(other - slope * one - level))


def equalized(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inside = np.ones(first.shape, bool)
    return with_equal_tones(first, first.copy(), second.astype(np.float32), inside)


CHANGES = {
    "gamma up": lambda x: 255 * (x / 255) ** 2.5,
    "gamma down": lambda x: 255 * (x / 255) ** 0.4,
    "clipped contrast": lambda x: np.clip(128 + 3.5 * (x - 110), 0, 255),
    "clipped dark": lambda x: np.clip(2.5 * (x - 120), 0, 255),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_of_tones_are_undone_in_both_directions(plane: np.ndarray, name: str) -> None:
    changed = np.rint(CHANGES[name](plane)).astype(np.float32)
    for one, other in ((plane, changed), (changed, plane)):
        before, after = spread(one, other), spread(*equalized(one, other))
        assert before > 5 and after < before / 4
    # Of a clipped image and a whole one, the whole one is changed.
    if name.startswith("clipped"):
        assert equalized(plane, changed)[1] is not plane
        assert np.array_equal(equalized(plane, changed)[1], changed)
        assert np.array_equal(equalized(changed, plane)[0], changed)


def test_a_line_stays_a_line(plane: np.ndarray) -> None:
    """The comparison is indifferent to lines: at most nothing is lost."""
    for changed in (plane.copy(), 0.5 * plane + 40, 0.9 * plane + 5):
        assert spread(*equalized(plane, changed)) < 1


def test_only_what_is_inside_counts(plane: np.ndarray) -> None:
    changed = (255 * (plane / 255) ** 2.2).astype(np.float32)
    damaged = changed.copy()
    damaged[:150] = 255 - plane[:150]
    inside = np.ones(plane.shape, bool)
    inside[:150] = False
    first, second = with_equal_tones(plane, plane, damaged, inside)
    assert spread(first[150:], second[150:]) < spread(plane[150:], changed[150:]) / 4


def test_inverted_or_unrelated_images_are_not_made_alike(plane: np.ndarray) -> None:
    other = np.asarray(photo("things/coffee-1").convert("L").resize(plane.shape[::-1]), np.float32)
    for second in (255 - plane, other):
        first, second_ = equalized(plane, second)
        assert np.corrcoef(first.ravel(), second_.ravel())[0, 1] < 0.5


@pytest.mark.parametrize("level", [0.0, 17.0, 255.0])
def test_flat_or_tiny_images_do_no_harm(level: float) -> None:
    flat = np.full((20, 20), level, np.float32)
    noise = np.random.default_rng(0).integers(0, 256, (20, 20)).astype(np.float32)
    for one, other in ((flat, flat), (flat, noise), (noise, flat)):
        first, second = equalized(one, other)
        assert np.isfinite(first).all() and np.isfinite(second).all()
        assert first.min() >= -1 and first.max() <= 256 and first.dtype == np.float32


def test_the_finer_image_is_changed_as_it_is_where_it_is(plane: np.ndarray) -> None:
    """It has a size of its own, and its tones are known from where it was brought."""
    small = cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    changed = (255 * (small / 255) ** 2.2).astype(np.float32)
    first, second = with_equal_tones(plane, small, changed, np.ones(small.shape, bool))
    again = first if first.shape == plane.shape else np.empty(0)
    shrunk = cv2.resize(again, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert second.shape == small.shape and spread(shrunk, second) < spread(small, changed) / 2
