"""CENTRIST against scikit-image's block patterns, and against counting pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.data import camera
from skimage.feature import multiblock_lbp
from skimage.transform import integral_image

from cbir.descriptors.global_features.centrist import _SCALES, Centrist, census

IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(77)
)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_patterns_agree_with_scikit_image(scale: int) -> None:
    gray = camera()[100:140, 200:250]
    # Its bits are 1 where a neighbor is at least as bright: those of the negative, inverted.
    negative = integral_image(255 - gray.astype(int))
    patterns = census(gray, scale, step=0)
    first = (3 * scale - 1) - (3 * scale - 1) // 2
    for row in range(40 - 3 * scale):
        for column in range(50 - 3 * scale):
            expected = 255 - multiblock_lbp(negative, row, column, scale, scale)
            assert patterns[row + first, column + first] == expected


def test_a_neighbor_must_be_brighter_by_more_than_the_step() -> None:
    gray = np.array([[12, 13, 10], [10, 10, 10], [10, 10, 9]], np.uint8)
    assert census(gray, step=2)[1, 1] == 0b01000000
    assert census(gray, step=1)[1, 1] == 0b11000000


def test_faint_noise_leaves_a_flat_image_flat() -> None:
    noise = np.random.default_rng(1).integers(99, 102, (64, 64, 1), np.uint8)
    flat = np.full((64, 64, 3), 100, np.uint8)
    describe = Centrist().describe
    assert np.array_equal(describe(noise.repeat(3, 2)), describe(flat))


def test_brightness_does_not_matter(noise: np.ndarray) -> None:
    describe = Centrist().describe
    gray = noise[..., :1].repeat(3, 2) // 2
    assert np.array_equal(describe(gray), describe(gray + 100))


def test_the_bins_are_the_uniform_patterns_in_order_then_the_others() -> None:
    def changes(pattern: int) -> int:
        bits = f"{pattern:08b}"
        return sum(bits[i] != bits[i - 1] for i in range(8))

    uniform = [pattern for pattern in range(256) if changes(pattern) <= 2]
    assert len(uniform) == 58
    image = camera()[::5, ::4].repeat(3).reshape(103, 128, 3)
    counts = np.zeros((len(_SCALES), 6, 59))
    for scale, regions in zip(_SCALES, counts, strict=True):
        for (row, column), pattern in np.ndenumerate(census(image[..., 0], scale)):
            found = uniform.index(pattern) if pattern in uniform else 58
            y, x = row * 4 // 103, column * 4 // 128
            regions[[0, 1 + y // 2 * 2 + x // 2], found] += 1
            regions[5, found] += y in (1, 2) and x in (1, 2)
    shares = counts / counts.sum(axis=2, keepdims=True)
    assert np.array_equal(Centrist().describe(image), np.rint(255 * np.sqrt(shares)).ravel())


@given(image=IMAGES)
def test_the_shares_of_a_region_sum_to_one(image: np.ndarray) -> None:
    descriptor = Centrist()
    roots = descriptor.encoding.values(descriptor.describe(image)).reshape(-1, 59)
    sums = np.square(roots).sum(axis=1)
    empty = ~roots.any(axis=1)  # a region without a pixel
    assert not empty[[0, 6]].any() and (not empty.any() or min(image.shape[:2]) < 4)
    assert (np.abs(sums - 1)[~empty] < roots.sum(axis=1)[~empty] / 255 + 1e-9).all()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (2, 3, 3), (128, 128, 3)])
def test_any_shape_is_described(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    assert len(Centrist().describe(image)) == Centrist().dimension == 708
