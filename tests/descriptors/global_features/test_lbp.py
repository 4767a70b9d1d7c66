"""Local binary patterns: against points that scipy interpolates, and known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import map_coordinates
from skimage.data import camera

from cbir.descriptors.global_features.lbp import LocalBinaryPatterns, pattern_bins

IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(77)
)


@pytest.mark.parametrize("radius", [1, 2, 4])
def test_patterns_that_are_uniform_agree_with_interpolated_circles(radius: int) -> None:
    gray = camera()[100:148, 200:250]
    angles = 2 * np.pi * np.arange(8) / 8
    down, right = np.round([-radius * np.sin(angles), radius * np.cos(angles)], 5)
    y, x = np.mgrid[: gray.shape[0], : gray.shape[1]]
    around = map_coordinates(
        gray.astype(float),
        [y[..., None] + down, x[..., None] + right],
        order=1,
        mode="nearest",
    )
    differences = around - gray[..., None]
    # Where a point is neither equal nor clearly different, rounding may decide.
    clear = ((differences == 0) | (np.abs(differences) > 0.01)).all(axis=-1)
    assert clear.mean() > 0.7
    bits = (differences >= 0)[clear]
    changes = (bits != np.roll(bits, 1, axis=-1)).sum(axis=-1)
    found = pattern_bins(gray, radius)[clear]
    assert np.array_equal(found == 58, changes > 2)
    # Equal uniform patterns share a bin of their own.
    codes = np.packbits(bits, axis=-1)[..., 0][changes <= 2]
    pairs = set(zip(codes.tolist(), found[changes <= 2].tolist(), strict=True))
    assert len(pairs) == len({code for code, _ in pairs}) == len({place for _, place in pairs})


def test_texture_counts_and_light_does_not(noise: np.ndarray) -> None:
    dark = noise // 4 * 2
    describe = LocalBinaryPatterns().describe
    assert np.array_equal(describe(dark), describe(dark + 100))
    flat = describe(np.full_like(noise, 100))
    assert np.abs(describe(dark).astype(int) - flat).sum() > 255 * 20


@given(image=IMAGES)
def test_the_shares_of_a_region_sum_to_one(image: np.ndarray) -> None:
    row = LocalBinaryPatterns().describe(image)
    shares = np.square(row.reshape(18, 59) / 255).sum(axis=1)
    empty = shares == 0  # a half of an image one pixel wide
    assert not empty.any() or min(image.shape[:2]) == 1
    assert (np.abs(shares[~empty] - 1) < 0.1).all()
