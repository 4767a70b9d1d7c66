"""Diffusion through a graph of neighbors, against an inverse of a matrix filled by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cbir.search.stages.diffusion import diffused_scores
from tests.search.stages import brute_force
from tests.search.stages.places import scattered


@pytest.mark.parametrize(
    ("k", "ratio", "alpha", "scale"),
    [(6, np.inf, 0.9, 3), (10, 1.5, 0.99, 7), (3, 1.2, 0.5, 1), (99, np.inf, 0.8, 7)],
)
@pytest.mark.parametrize("is_symmetric", [True, False])
def test_it_is_the_closed_solution(
    k: int, ratio: float, alpha: float, scale: int, is_symmetric: bool
) -> None:
    distances = scattered(40, is_symmetric)
    if k < 10:  # as many as are looked at
        scale = min(scale, k)
    found = diffused_scores(distances, k, ratio, alpha, scale)
    expected = brute_force.diffusion(distances, k, ratio, alpha, scale)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_an_image_is_found_by_way_of_others() -> None:
    # A bent chain, and an image that is nearer to the query than the chain's end.
    angles = np.linspace(0, np.pi, 12)
    chain = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    pair = np.array([[1.8, -1.1], [1.8, -1.12], [1.82, -1.1]])
    places = np.vstack([chain, pair])
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    assert distances[0, 12] < distances[0, 11]
    scores = diffused_scores(distances, k=3, ratio=2, scale=2)
    assert scores[11] > 0 and scores[12:].tolist() == [0, 0, 0]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_images(count: int) -> None:
    found = diffused_scores(scattered(count, True))
    assert found.shape == (count,) and found[0] >= 1


def test_images_that_are_all_alike() -> None:
    assert np.isfinite(diffused_scores(np.zeros((50, 50)))).all()
    assert np.isfinite(diffused_scores(np.full((50, 50), np.inf))).all()
