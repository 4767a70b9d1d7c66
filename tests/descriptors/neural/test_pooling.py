"""Regions of a map, against the same by the definition, region by region."""

from __future__ import annotations

import numpy as np
import pytest

from cbir.descriptors.neural.pooling import over_regions

Square = tuple[int, int, int]
"""Top, left, side."""


def by_definition(values: np.ndarray, squares: list[Square], p: float) -> np.ndarray:
    total = np.zeros(len(values))
    for top, left, side in squares:
        cut = values[:, top : top + side, left : left + side].reshape(len(values), -1)
        means = np.array([sum(max(one, 0) ** p for one in row) / len(row) for row in cut])
        pooled = means ** (1 / p)
        total += pooled / np.sqrt((pooled**2).sum())
    return total


HALVES = [(top, left, 2) for top in range(3) for left in range(3)]

SQUARES: dict[tuple[int, int], list[Square]] = {
    (1, 1): [(0, 0, 1), (0, 0, 1)],
    (4, 4): [(0, 0, 4), *HALVES],
    (4, 8): [(0, 0, 4), (0, 4, 4)]
    + [(top, left, 2) for top in range(3) for left in (0, 1, 2, 4, 5, 6)],
    (8, 4): [(0, 0, 4), (4, 0, 4)]
    + [(top, left, 2) for top in (0, 1, 2, 4, 5, 6) for left in range(3)],
    (1, 3): [(0, left, 1) for left in range(3)] * 2,
}


@pytest.mark.parametrize("shape", SQUARES)
@pytest.mark.parametrize("p", [1.0, 3.0])
def test_regions_are_pooled_and_count_alike(shape: tuple[int, int], p: float) -> None:
    values = np.random.default_rng(4).normal(0.5, 1, (6, *shape))
    assert np.allclose(over_regions(values, p), by_definition(values, SQUARES[shape], p))


def test_a_map_of_nothing_is_nothing() -> None:
    assert not over_regions(np.zeros((3, 2, 5), np.float32)).any()
