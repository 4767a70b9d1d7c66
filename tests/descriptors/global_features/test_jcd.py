"""The joint histogram of colors and textures: known answers and properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.descriptors.global_features.jcd import (
    JointColorTexture,
    _color_memberships,
    _hues,
    _texture_memberships,
)

IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(77)
)
WHOLE = JointColorTexture(layout="none")
TONES = 3


@pytest.mark.parametrize(
    ("rgb", "color"),
    [
        ((0, 0, 0), 0),
        ((128, 128, 128), 1),
        ((255, 255, 255), 2),
        ((255, 0, 0), 3),
        ((255, 0, 10), 3),
        ((255, 185, 185), 4),  # light red
        ((75, 0, 0), 5),  # dark red
        ((255, 128, 0), 6),
        ((255, 255, 0), 9),
        ((0, 255, 0), 12),
        ((0, 255, 255), 15),
        ((0, 0, 255), 18),
        ((255, 0, 255), 21),
    ],
)
def test_a_plain_color_is_one_color_and_flat(rgb: tuple[int, int, int], color: int) -> None:
    row = WHOLE.describe(np.full((30, 40, 3), rgb, np.uint8)).reshape(24, 7)
    assert row[:, 0].argmax() == color and row[color, 0] > 245
    assert not row[:, 1:].any()


@pytest.mark.parametrize(
    ("block", "texture"),
    [
        ([[40, 200], [200, 40]], 2),
        ([[40, 40], [200, 200]], 3),
        ([[40, 200], [40, 200]], 4),
        ([[120, 40], [200, 120]], 5),
        ([[40, 120], [120, 200]], 6),
    ],
)
def test_an_edge_has_its_direction(block: list[list[int]], texture: int) -> None:
    image = np.tile(np.array(block, np.uint8)[..., None], (64, 64, 3))
    shares = WHOLE.describe(image).reshape(24, 7).max(axis=0)
    assert shares.argmax() == texture


def test_a_faint_texture_is_weak() -> None:
    image = np.tile(np.array([[100, 104], [100, 104]], np.uint8)[..., None], (64, 64, 3))
    memberships = _texture_memberships(image)
    assert memberships[0, 0, 1] > 100 > memberships[0, 0, 3:].sum()


def test_the_hues_go_round() -> None:
    assert _hues().min() >= 0
    np.testing.assert_allclose(_hues().sum(axis=1), 1)
    assert _hues()[0].argmax() == _hues()[255].argmax() == 0


@given(seed=st.integers(0, 1000))
@settings(max_examples=10)
def test_a_block_belongs_to_colors_and_textures_by_1_in_sum(seed: int) -> None:
    parts = np.random.default_rng(seed).integers(0, 256, (128, 128, 3), np.uint8)
    for memberships in (_color_memberships(parts), _texture_memberships(parts)):
        assert memberships.min() >= 0
        assert np.abs(memberships.sum(axis=-1) - 255).max() <= 5  # rounding


@given(image=IMAGES)
@settings(max_examples=25)
def test_the_shares_of_a_region_sum_to_one(image: np.ndarray) -> None:
    grid = JointColorTexture().describe(image).reshape(6, -1)
    for shares in (grid / 255) ** 3:
        # Rounding a cube root to 1/255 moves a share by about three times its square over 510.
        assert abs(shares.sum() - 1) < 3 * (shares ** (2 / 3)).sum() / 510 + 1e-4
    assert np.array_equal(grid[0], WHOLE.describe(image))


def test_mirroring_permutes_the_regions_and_the_diagonals() -> None:
    image = np.random.default_rng(4).integers(0, 256, (128, 128, 3), np.uint8)
    straight = JointColorTexture().describe(image).reshape(6, 24, 7)
    mirrored = JointColorTexture().describe(np.ascontiguousarray(image[:, ::-1]))
    expected = straight[[0, 2, 1, 4, 3, 5]][:, :, [0, 1, 2, 3, 4, 6, 5]]
    assert np.array_equal(mirrored.reshape(6, 24, 7), expected)


def test_the_dimension_is_told() -> None:
    assert (JointColorTexture().dimension, WHOLE.dimension) == (1008, 168)
