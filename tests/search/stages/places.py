"""Distances to try things on."""

from __future__ import annotations

import numpy as np


def scattered(count: int, is_symmetric: bool) -> np.ndarray:
    """Return the distances of points in clusters, by one measure or by one of each point."""
    rng = np.random.default_rng(count)
    places = rng.normal(size=(4, 2))[rng.integers(4, size=count)] + 0.3 * rng.normal(
        size=(count, 2)
    )
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    return distances if is_symmetric else distances * rng.uniform(0.8, 1.2, (count, 1))
