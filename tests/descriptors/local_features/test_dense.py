"""Dense patches: against plain loops over pixels, and on images whose answers are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.color import rgb2gray, rgb2lab
from skimage.data import astronaut

from cbir.descriptors.local_features.dense import (
    Patches,
    color_patches,
    gradient_patches,
    mirror_colors,
    mirror_gradients,
)

IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60), st.just(3)), fill=st.just(77)
)
BOTH = pytest.mark.parametrize("extract", [color_patches, gradient_patches])
Extract = Callable[[np.ndarray], Patches]


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(astronaut()[60:220:2, 140:330:2])


def blocks(pixels: np.ndarray, side: int) -> np.ndarray:
    """Cut pixels into square blocks; what is left over goes at both ends."""
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    top = (pixels.shape[0] - side * rows) // 2
    left = (pixels.shape[1] - side * columns) // 2
    found = np.empty((rows, columns, side, side, *pixels.shape[2:]))
    for row, column in np.ndindex(rows, columns):
        y, x = top + side * row, left + side * column
        found[row, column] = pixels[y : y + side, x : x + side]
    return found


def joined(cells: np.ndarray, side: int, step: int) -> Iterator[tuple[np.ndarray, list[float]]]:
    """Yield the values of each patch, and the x and y of its center."""
    rows, columns = cells.shape[:2]
    for y in range(0, rows - side + 1, step):
        for x in range(0, columns - side + 1, step):
            place = [(x + side / 2) / columns, (y + side / 2) / rows]
            yield cells[y : y + side, x : x + side].ravel(), place


def plain_color_patches(image: np.ndarray) -> Iterator[tuple[np.ndarray, list[float]]]:
    lab = (rgb2lab(image) * [255 / 100, 1, 1] + [0, 128, 128]) / 255
    for side, step in ((2, 2), (4, 1), (8, 1)):
        squares = blocks(lab, side)
        statistics = [squares.mean(axis=(2, 3)), squares.std(axis=(2, 3))]
        yield from joined(np.concatenate(statistics, axis=2), 2, step)


def plain_votes(gray: np.ndarray) -> np.ndarray:
    height, width = gray.shape
    votes = np.zeros((height, width, 8))
    for y, x in np.ndindex(height, width):
        right = gray[y, min(x + 1, width - 1)] - gray[y, max(x - 1, 0)]
        down = gray[min(y + 1, height - 1), x] - gray[max(y - 1, 0), x]
        turn = math.atan2(down, right) / (2 * math.pi) * 8 % 8
        first, share = int(turn) % 8, turn % 1
        votes[y, x, first] += (1 - share) * math.hypot(right, down)
        votes[y, x, (first + 1) % 8] += share * math.hypot(right, down)
    return votes


def plain_gradient_patches(image: np.ndarray) -> Iterator[tuple[np.ndarray, list[float]]]:
    votes = plain_votes(rgb2gray(image, channel_axis=2))
    for side, step in ((4, 2), (8, 1)):
        halves = blocks(votes, side // 2).mean(axis=(2, 3))
        wide = np.pad(halves, [(1, 2), (1, 2), (0, 0)], mode="reflect")
        cells = np.zeros((halves.shape[0] // 2, halves.shape[1] // 2, 8))
        for row, column in np.ndindex(cells.shape[:2]):
            for y, x in np.ndindex(4, 4):
                weight = (1, 2, 2, 1)[y] * (1, 2, 2, 1)[x] / 36
                cells[row, column] += weight * wide[2 * row + y, 2 * column + x]
        for values, place in joined(cells, 4, step):
            yield np.sqrt(values / (values.sum() + 10 / 255)), place


def test_colors_are_those_of_plain_loops(photo: np.ndarray) -> None:
    for image in (photo[:47, :37], photo[:32, :64]):
        found = color_patches(image)
        values, places = zip(*plain_color_patches(image), strict=True)
        # The colors are rounded to 8 bits.
        np.testing.assert_allclose(found.values, values, atol=1 / 255)
        np.testing.assert_allclose(found.places, places, atol=1e-6)


def test_gradients_are_those_of_plain_loops(photo: np.ndarray) -> None:
    gray = np.rint(255 * rgb2gray(photo)).astype(np.uint8)[..., None].repeat(3, axis=2)
    for image in (gray[:47, :37], gray[:32, :64]):
        found = gradient_patches(image)
        values, places = zip(*plain_gradient_patches(image), strict=True)
        np.testing.assert_allclose(found.values, values, atol=2e-3)
        np.testing.assert_allclose(found.places, places, atol=1e-6)


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
def test_a_uniform_image_has_a_color_and_no_deviation(color: tuple[int, int, int]) -> None:
    image = np.full((40, 50, 3), color, np.uint8)
    cells = color_patches(image).values.reshape(-1, 4, 6)
    lab = rgb2lab(np.array([[color]], np.uint8))[0, 0]
    expected = (lab * [255 / 100, 1, 1] + [0, 128, 128]) / 255
    np.testing.assert_allclose(cells[:, :, :3] - expected, 0, atol=1 / 255)
    assert cells[:, :, 3:].max() < 1e-3
    assert not gradient_patches(image).values.any()


def step_edge(turn: int) -> np.ndarray:
    """An image that is brighter beyond a line through its center, in one of 8 directions."""
    angle = turn * math.pi / 4
    down, across = np.mgrid[-32:32, -32:32] + 0.5
    bright = math.cos(angle) * across + math.sin(angle) * down > 1e-9
    return np.where(bright[..., None], 220, 30).repeat(3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("turn", range(8))
def test_a_step_edge_votes_for_the_direction_of_its_brighter_side(turn: int) -> None:
    shares = np.square(gradient_patches(step_edge(turn)).values).reshape(-1, 16, 8).sum(axis=1)
    strong = shares[shares.sum(axis=1) > 0.9]
    assert len(strong) > 10
    assert strong[:, turn].min() > 0.9


def test_far_from_an_edge_there_is_nothing() -> None:
    found = gradient_patches(step_edge(0))
    assert not found.values[np.abs(found.places[:, 0] - 0.5) > 0.35].any()
    assert found.values[np.abs(found.places[:, 0] - 0.5) < 0.1].any(axis=1).all()


def test_shares_have_the_sum_1_where_there_are_edges(noise: np.ndarray) -> None:
    sums = np.square(gradient_patches(noise).values).sum(axis=1)
    assert sums.min() > 0.99 and sums.max() <= 1 + 1e-6


def test_a_faint_pattern_stays_faint(noise: np.ndarray) -> None:
    faint = (100 + noise[..., :1] // 128).repeat(3, axis=2)
    assert np.square(gradient_patches(faint).values).sum(axis=1).max() < 0.7


@pytest.mark.parametrize(
    ("extract", "mirror"),
    [(color_patches, mirror_colors), (gradient_patches, mirror_gradients)],
)
def test_a_mirrored_image_has_mirrored_patches(
    extract: Extract, mirror: Callable[[np.ndarray], np.ndarray], photo: np.ndarray
) -> None:
    # A multiple of the largest cells, so that nothing is cut off, and an odd number of steps.
    image = np.ascontiguousarray(photo[:64, :88])
    found, other = extract(image), extract(np.ascontiguousarray(image[:, ::-1]))
    places = np.abs(np.float32([1, 0]) - found.places)
    # Within a size of patches, which starts at the top, rows go from left to right again.
    scale = np.cumsum(np.diff(found.places[:, 1], prepend=0) < 0)
    order = np.lexsort((places[:, 0], places[:, 1], scale))
    np.testing.assert_allclose(other.places, places[order], atol=1e-6)
    np.testing.assert_allclose(other.values, mirror(found.values)[order], atol=2e-3)


@given(st.integers(0, 5))
def test_mirrored_twice_is_as_before(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for mirror, width in ((mirror_colors, 24), (mirror_gradients, 128)):
        values = rng.random((7, width), np.float32)
        assert np.array_equal(mirror(mirror(values)), values)


@BOTH
@given(image=IMAGES)
def test_values_and_places_are_shares(extract: Extract, image: np.ndarray) -> None:
    found = extract(image)
    assert found.values.dtype == found.places.dtype == np.float32
    assert len(found.values) == len(found.places) > 0
    assert found.values.min() >= 0 and found.values.max() <= 1 + 1e-6
    assert found.places.min() > 0 and found.places.max() < 1


@BOTH
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (31, 33), (256, 171)])
def test_any_size_has_patches_of_every_size(extract: Extract, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    found = extract(rng.integers(0, 256, (*shape, 3), np.uint8))
    sizes = 1 + np.count_nonzero(np.diff(found.places[:, 1]) < 0)
    assert sizes == (3 if extract is color_patches else 2)


def test_a_gray_image_has_no_colors(noise: np.ndarray) -> None:
    gray = noise[..., :1].repeat(3, axis=2)
    cells = color_patches(gray).values.reshape(-1, 4, 6)
    np.testing.assert_allclose(cells[:, :, 1:3], 128 / 255, atol=1e-6)
    assert cells[:, :, 4:].max() < 1e-3
    assert cells[:, :, 3].min() > 0
