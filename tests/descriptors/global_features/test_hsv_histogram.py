"""The HSV histogram: known answers and properties."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.descriptors.global_features.hsv_histogram import HsvHistogram, _ellipse_regions

IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(77)
)
LAYOUTS = ["grid", "ellipse", "none"]


def solid(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((30, 40, 3), (red, green, blue), np.uint8)


@pytest.mark.parametrize("rgb", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 150, 40), (9, 9, 9)])
def test_a_solid_color_falls_into_the_cell_that_colorsys_gives(rgb: tuple[int, int, int]) -> None:
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in rgb))
    cell = int(hue * 16 + 0.5) % 16 * 16
    cell += min(int(saturation * 4), 3) * 4 + min(int(value * 4), 3)
    row = HsvHistogram(layout="none").describe(solid(*rgb))
    assert np.flatnonzero(row).tolist() == [cell]
    assert row[cell] == 255


def test_red_on_both_sides_of_the_hue_circle_is_one_color() -> None:
    describe = HsvHistogram(layout="none").describe
    assert np.array_equal(describe(solid(255, 0, 12)), describe(solid(255, 12, 0)))


@given(image=IMAGES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_shares_sum_to_one(layout: str, image: np.ndarray) -> None:
    descriptor = HsvHistogram(layout=layout)
    values = descriptor.encoding.values(descriptor.describe(image))
    # Rounding a root to 1/255 moves a share by at most root / 255.
    assert values.sum() - 1 < np.sqrt(values).sum() / 255 + 1e-9


@given(image=IMAGES)
def test_the_whole_of_the_grid_is_the_histogram_without_layout(image: np.ndarray) -> None:
    grid = HsvHistogram(layout="grid").describe(image)[:256]
    whole = HsvHistogram(layout="none").describe(image)
    assert np.array_equal(grid, whole)


@pytest.mark.parametrize("layout", ["grid", "ellipse"])
def test_mirroring_permutes_the_regions(layout: str, noise: np.ndarray) -> None:
    permutation = {"grid": [0, 2, 1, 4, 3, 5], "ellipse": [1, 0, 3, 2, 4]}[layout]
    descriptor = HsvHistogram(layout=layout)
    straight = descriptor.describe(noise).reshape(len(permutation), -1)
    mirrored = descriptor.describe(np.ascontiguousarray(noise[:, ::-1]))
    assert np.array_equal(mirrored.reshape(len(permutation), -1), straight[permutation])


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (40, 61), (128, 85)])
def test_no_pixel_is_in_two_regions_of_the_ellipse_layout(shape: tuple[int, int]) -> None:
    assert (np.sum(_ellipse_regions(*shape), axis=0) == 1).all()


@pytest.mark.parametrize(
    ("layout", "dimension"), [("grid", 1536), ("ellipse", 1440), ("none", 256)]
)
def test_the_dimension_is_told(layout: str, dimension: int, noise: np.ndarray) -> None:
    descriptor = HsvHistogram(layout=layout)
    assert descriptor.dimension == descriptor.width == len(descriptor.describe(noise)) == dimension
