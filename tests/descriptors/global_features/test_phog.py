"""PHOG: known answers on ramps, and voting pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import convolve
from skimage.data import camera

from cbir.descriptors.global_features.phog import _PLAIN, Phog, votes

IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(77)
)


@pytest.mark.parametrize("turn", range(16))
def test_a_ramp_votes_for_its_direction(turn: int) -> None:
    angle = (turn + 0.5) * math.pi / 8  # the center of a bin
    down, across = np.mgrid[-30:30, -30:30]
    ramp = np.rint(127 + 2.9 * (math.cos(angle) * across + math.sin(angle) * down))
    histogram = votes(ramp.clip(0, 255).astype(np.uint8)).sum(axis=(0, 1))
    assert histogram.argmax() == turn
    assert histogram[turn] > 0.7 * histogram.sum()
    assert histogram.sum() == pytest.approx(2.9, rel=0.1)


def test_votes_agree_with_pixel_by_pixel() -> None:
    gray = camera()[100:151:2, 200:262:2]
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    across = convolve(gray.astype(float), sobel[:, ::-1], mode="nearest")
    down = convolve(gray.astype(float), sobel.T[::-1], mode="nearest")
    expected = np.zeros((4, 4, 16))
    height, width = gray.shape
    for (row, column), x in np.ndenumerate(across):
        y = down[row, column]
        place = math.atan2(y, x) % (2 * math.pi) * 8 / math.pi - 0.5
        left, part = math.floor(place), place - math.floor(place)
        cell = expected[row * 4 // height, column * 4 // width]
        cell[left % 16] += math.hypot(x, y) * (1 - part) / gray.size
        cell[(left + 1) % 16] += math.hypot(x, y) * part / gray.size
    # OpenCV's angles are good to 0.3 degrees, a seventy-fifth of a bin.
    np.testing.assert_allclose(votes(gray), expected, atol=0.02 * expected.max())


@given(image=IMAGES)
def test_the_shares_of_a_level_sum_to_that_of_the_edges(image: np.ndarray) -> None:
    descriptor = Phog()
    roots = descriptor.encoding.values(descriptor.describe(image))
    strength = votes(image.mean(axis=2).astype(np.uint8)).sum()
    for level in np.split(roots[:336], [16, 80]):
        total = np.square(level).sum()
        assert total <= 1
        if np.ptp(image, axis=2).max() == 0:  # gray: converted without rounding
            rounding = level.sum() / 255 + level.size * (0.5 / 255) ** 2
            assert total == pytest.approx(strength / (strength + _PLAIN), abs=rounding)


def test_a_flat_image_gives_zeros_and_noise_next_to_nothing() -> None:
    assert not Phog().describe(np.full((50, 80, 3), 99, np.uint8)).any()
    noise = np.random.default_rng(1).integers(98, 101, (256, 256, 1), np.uint8).repeat(3, 2)
    photograph = camera()[::2, ::2, None].repeat(3, 2)
    assert 2 * Phog().describe(noise).max() < Phog().describe(photograph).max()


def test_a_mirrored_image_has_mirrored_rows() -> None:
    image = camera()[::2, ::2, None].repeat(3, 2)
    row = Phog().describe(image).astype(int)
    mirrored = Phog().describe(image[:, ::-1]).astype(int)
    directions = (7 - np.arange(16)) % 16
    cells = row[80:336].reshape(4, 4, 16)[:, ::-1][..., directions]
    assert np.abs(mirrored[80:336] - cells.ravel()).max() <= 2
    assert np.abs(mirrored[:16] - row[:16][directions]).max() <= 2


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (2, 3, 3), (256, 256, 3)])
def test_any_shape_is_described(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    assert len(Phog().describe(image)) == Phog().dimension == 672
