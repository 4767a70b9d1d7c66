"""Jaccard distances of reciprocal neighbors, against sets taken from the paper."""

from __future__ import annotations

import numpy as np
import pytest

from cbir.search.stages.k_reciprocal import jaccard_distances
from tests.search.stages import brute_force
from tests.search.stages.places import scattered


@pytest.mark.parametrize(
    ("k1", "k2", "ratio", "shared"),
    [
        (6, 3, np.inf, 2 / 3),
        (8, 1, np.inf, 0.5),
        (10, 4, 1.6, 0.5),
        (3, 2, 1.2, 0.5),
        (99, 6, 2, 0),
    ],
)
@pytest.mark.parametrize("is_symmetric", [True, False])
def test_it_is_what_the_paper_says(
    k1: int, k2: int, ratio: float, shared: float, is_symmetric: bool
) -> None:
    distances = scattered(40, is_symmetric)
    found = jaccard_distances(distances, k1, k2, ratio, shared)
    expected = brute_force.jaccard(distances, k1, k2, ratio, shared)
    assert found == pytest.approx(expected, abs=1e-12)


def test_images_of_the_query_s_cluster_come_before_others_that_are_as_near() -> None:
    # A chain leads away from the query on one side; on the other, images lie by themselves.
    places = np.array([[0, 0], [1, 0], [2, 0], [3, 0], [0, 1.02], [0, 2.04], [0, 40]])
    places = np.vstack([places, [[50, 40 + 0.1 * step] for step in range(4)]])
    distances = np.linalg.norm(places[:, None] - places, axis=2) / 50
    found = jaccard_distances(distances, k1=3, k2=1, ratio=np.inf)
    assert found[0] == pytest.approx(0)
    assert found[6:].tolist() == [1] * 5
    assert (found[1:4] < 1).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_images(count: int) -> None:
    found = jaccard_distances(scattered(count, True))
    assert found.shape == (count,) and found[0] == pytest.approx(0)


def test_images_that_are_all_alike() -> None:
    assert jaccard_distances(np.zeros((50, 50))) == pytest.approx(np.zeros(50), abs=0.6)
    assert np.isfinite(jaccard_distances(np.full((50, 50), np.inf))).all()
