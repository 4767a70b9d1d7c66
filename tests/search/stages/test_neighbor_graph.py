"""Neighbors of images, against sorted distances."""

from __future__ import annotations

import numpy as np
import pytest

from cbir.search.stages.neighbor_graph import Neighborhoods, weighted_mean
from tests.search.stages import brute_force
from tests.search.stages.places import scattered


@pytest.mark.parametrize("ratio", [1.0, 1.5, np.inf])
def test_neighbors_are_near_and_mutual(ratio: float) -> None:
    distances = scattered(30, False)
    found = Neighborhoods.of(distances, 5, ratio)
    mutual = found.mutual().toarray()
    for image in range(30):
        near = found.nearest[image][found.are_near[image]].tolist()
        assert near == brute_force.neighbors(distances, image, 5, ratio)
        expected = brute_force.reciprocal(distances, image, 5, ratio)
        assert set(np.flatnonzero(mutual[image]).tolist()) == expected


def test_copies_are_in_the_order_of_the_rows_and_each_is_its_own_nearest() -> None:
    found = Neighborhoods.of(np.zeros((6, 6)), 2, 1.25)
    assert found.nearest.tolist() == [
        [0, 1, 2],
        [1, 0, 2],
        [2, 0, 1],
        [3, 0, 1],
        [4, 0, 1],
        [5, 0, 1],
    ]
    assert found.are_near.all()


def test_asking_twice_gives_the_same() -> None:
    found = Neighborhoods.of(scattered(30, True), 8, 1.2)
    before = found.nearest.copy()
    assert (found.mutual(4).toarray() <= found.mutual().toarray()).all()
    assert np.array_equal(found.nearest, before)
    mean = weighted_mean(found.mutual(), found, 1)
    assert np.array_equal(mean.toarray(), found.mutual().toarray())
