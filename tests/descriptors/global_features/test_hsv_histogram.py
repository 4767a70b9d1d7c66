"""The HSV histogram: known answers and properties."""

from __future__ import annotations

import colorsys
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.core.machine_code import AwaitedLoop
from cbir.descriptors.base import as_roots
from cbir.descriptors.global_features import hsv_histogram
from cbir.descriptors.global_features.hsv_histogram import HsvHistogram, _ellipse_regions
from cbir.search.metrics import METRICS
from tests.compiled import compiled

IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(77)
)
LAYOUTS = ["grid", "ellipse", "none"]


def distance(descriptor: HsvHistogram, one: np.ndarray, other: np.ndarray) -> float:
    query, row = (descriptor.encoding.values(each) for each in (one, other))
    return float(METRICS[descriptor.metrics[0]].between(query, row[None])[0])


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
    descriptor = HsvHistogram(layout=layout, compare="shares")
    values = descriptor.encoding.values(descriptor.describe(image))
    # Rounding a root to 1/255 moves a share by at most root / 255.
    assert values.sum() - 1 < np.sqrt(values).sum() / 255 + 1e-9


@given(rows=arrays(np.uint32, st.tuples(st.just(2), st.just(6), st.just(256)), fill=st.just(0)))
def test_no_distance_is_beyond_the_range_that_is_told(rows: np.ndarray) -> None:
    descriptor = HsvHistogram()
    one, other = as_roots(rows.astype(float)).reshape(2, -1)
    assert 0 <= distance(descriptor, one, other) <= descriptor.largest_distance


@pytest.mark.parametrize(("layout", "told"), [("grid", 70), ("ellipse", 62), ("none", 12)])
def test_images_of_many_colors_without_a_common_one_are_at_the_end_of_the_range(
    layout: str, told: int
) -> None:
    descriptor = HsvHistogram(layout=layout)
    assert descriptor.meaning.endswith(f"at most {told}")
    regions, bins = descriptor._regions, descriptor.dimension // descriptor._regions
    counts = np.zeros((2, regions, bins))
    counts[0, :, ::2] = counts[1, :, 1::2] = 1
    farthest = distance(descriptor, *as_roots(counts).reshape(2, -1))
    assert 0.96 * descriptor.largest_distance < farthest <= descriptor.largest_distance


@pytest.mark.parametrize("layout", LAYOUTS)
def test_shares_are_compared_as_the_textbook_has_it(layout: str, noise: np.ndarray) -> None:
    roots, shares = (HsvHistogram(layout, compare) for compare in ("roots", "shares"))
    one, other = roots.describe(noise), roots.describe(noise // 2)
    assert np.array_equal(one, shares.describe(noise))
    p, q = (np.square(row / 255) / roots._regions for row in (one, other))
    used = p + q > 0
    expected = (np.square(p - q)[used] / (p + q)[used]).sum() / 2
    assert distance(shares, one, other) == pytest.approx(expected)
    a, b = one / 255, other / 255
    expected = (np.square(a - b)[used] / (a + b)[used]).sum() / 2
    assert distance(roots, one, other) == pytest.approx(expected)
    assert roots.fingerprint != shares.fingerprint


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


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
@pytest.mark.parametrize("layout", ["grid", "none"])
def test_the_compiled_loop_gives_the_same_bytes(layout: Any, image: np.ndarray) -> None:
    descriptor = HsvHistogram(layout=layout)
    with mock.patch.object(AwaitedLoop, "after", return_value=None):
        expected = descriptor.describe(image)
    run = compiled(hsv_histogram._COUNTING)
    with mock.patch.object(AwaitedLoop, "after", return_value=run):
        found = descriptor.describe(image)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
