"""The color autocorrelogram against one that is counted pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.core.errors import UsageError
from cbir.descriptors.global_features.correlogram import Correlogram
from cbir.descriptors.global_features.hsv_histogram import hsv_cells

COLORS = np.array([(255, 0, 0), (0, 255, 0), (90, 90, 90), (0, 0, 0)], np.uint8)
IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)
).map(lambda numbers: COLORS[numbers])
BINS = (8, 4, 4)


def counted(image: np.ndarray, distance: int) -> np.ndarray:
    """Count the pairs of pixels one by one: shape (2, 128)."""
    cells = hsv_cells(image, BINS).astype(int)
    height, width = cells.shape
    pixels = [(y, x) for y in range(height) for x in range(width)]
    pairs, alone = np.zeros(128), np.bincount(cells.ravel(), minlength=128).astype(float)
    for y, x in pixels:
        near = [
            cells[v, u] for v, u in pixels if max(abs(v - y), abs(u - x)) == distance
        ]  # those outside of the image have no color
        pairs[cells[y, x]] += near.count(cells[y, x]) / (8 * distance)
    return np.stack([pairs, alone - pairs])


@given(image=IMAGES)
@pytest.mark.parametrize("distance", [1, 3])
def test_the_pairs_are_those_counted_one_by_one(distance: int, image: np.ndarray) -> None:
    descriptor = Correlogram(layout="none", distance=distance)
    shares = counted(image, distance).ravel() / image[..., 0].size
    values = descriptor.encoding.values(descriptor.describe(image))
    np.testing.assert_allclose(values, np.sqrt(shares), atol=0.51 / 255)


def test_patches_and_dust_of_the_same_colors_differ() -> None:
    patches = np.zeros((64, 64, 3), np.uint8)
    patches[:, 32:] = 255
    dust = patches.reshape(64, 2, 32, 3).transpose(0, 2, 1, 3).reshape(64, 64, 3)
    describe = Correlogram(layout="none", distance=1).describe
    assert describe(patches)[0] > 170 > 100 > describe(dust)[0]


def test_the_whole_of_the_grid_is_the_correlogram_without_layout(noise: np.ndarray) -> None:
    grid, whole = Correlogram().describe(noise), Correlogram(layout="none").describe(noise)
    assert np.array_equal(grid[: len(whole)], whole)


def test_mirroring_permutes_the_regions(noise: np.ndarray) -> None:
    straight = Correlogram().describe(noise).reshape(6, -1)
    mirrored = Correlogram().describe(np.ascontiguousarray(noise[:, ::-1])).reshape(6, -1)
    assert np.array_equal(mirrored, straight[[0, 2, 1, 4, 3, 5]])


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 128, 3), (128, 2, 3)])
@pytest.mark.parametrize("distance", [1, 31])
def test_any_shape_is_described(shape: tuple[int, int, int], distance: int) -> None:
    row = Correlogram(distance=distance).describe(np.full(shape, 200, np.uint8))
    assert len(row) == Correlogram().dimension == 1536
    assert row.any()


@pytest.mark.parametrize("distance", [0, 32])
def test_an_impossible_distance_is_refused(distance: int) -> None:
    with pytest.raises(UsageError, match="must be 1 to 31"):
        Correlogram(distance=distance)
