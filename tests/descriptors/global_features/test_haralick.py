"""Haralick's features: against the formulas, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.data import camera

from cbir.descriptors.global_features.haralick import Haralick, _pairs, texture_features

IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(77)
)
STEPS = {0: (0, 1), 1: (1, 1), 2: (1, 0), 3: (1, -1)}
"""Rows and columns from one pixel of a pair to the other, by the number of the angle."""


def plain_pairs(levels: np.ndarray, distance: int, angle: int) -> np.ndarray:
    """Count the pairs of a region, in both orders."""
    down, right = (round(part * distance / np.hypot(*STEPS[angle])) for part in STEPS[angle])
    pairs = np.zeros((16, 16))
    for y, x in np.ndindex(*levels.shape):
        if 0 <= y + down < levels.shape[0] and 0 <= x + right < levels.shape[1]:
            pairs[levels[y, x], levels[y + down, x + right]] += 1
    return pairs + pairs.T


def plain_features(pairs: np.ndarray) -> list[float]:
    share = pairs / pairs.sum()
    i, j = np.mgrid[:16, :16]
    mean = (share * i).sum()
    variance = (share * (i - mean) ** 2).sum()
    return [
        np.sqrt((share * (i - j) ** 2).sum()) / 7.5,
        (share / (1 + (i - j) ** 2)).sum(),
        np.sqrt((share**2).sum()),
        max(0, (share * (i - mean) * (j - mean)).sum() / variance),
        mean / 15,
        np.sqrt(variance) / 7.5,
    ]


@pytest.mark.parametrize(("number", "distance"), [(0, 1), (1, 2), (2, 4)])
@pytest.mark.parametrize("angle", range(4))
def test_features_are_those_of_the_formulas(number: int, distance: int, angle: int) -> None:
    levels = camera()[100:140, 200:252] // 16
    quarters = [
        plain_pairs(levels[y : y + 20, x : x + 26], distance, angle)
        for y in (0, 20)
        for x in (0, 26)
    ]
    center = plain_pairs(levels[10:30, 13:39], distance, angle)
    features = texture_features(_pairs(levels))[:, :, number, angle]
    # Of the whole: the pairs within its quarters.
    for found, pairs in zip(features, [sum(quarters), *quarters, center], strict=True):
        assert found == pytest.approx(plain_features(np.asarray(pairs)), abs=1e-9)


@given(image=IMAGES)
def test_any_image_has_a_row(image: np.ndarray) -> None:
    row = Haralick().describe(image)
    assert row.shape == (216,) and row.dtype == np.uint8


def test_a_turned_image_keeps_the_means_and_ranges_of_its_whole(noise: np.ndarray) -> None:
    square = np.ascontiguousarray(noise[:32, :32])
    straight, turned = (Haralick().describe(image) for image in (square, np.rot90(square).copy()))
    assert np.abs(straight[:36].astype(int) - turned[:36]).max() <= 1
