"""Means with neighbors, against means put together by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from cbir.core.progress import ProgressListener
from cbir.descriptors.base import PLAIN, ROOTS, STEPS, Encoding
from cbir.search import metrics
from cbir.search.candidates import CandidateSource
from cbir.search.dba.neighbor_means import ALPHA, RATIO, NeighborMeans
from cbir.search.exact.flat import FlatIndex

SCIPY = {"euclidean": "euclidean", "manhattan": "cityblock", "cosine": "cosine"}


def means_of(
    matrix: np.ndarray, count: int, encoding: Encoding = PLAIN, metric: str = "euclidean"
) -> NeighborMeans:
    source: CandidateSource[np.ndarray] = FlatIndex(matrix, encoding, metrics.get(metric))
    return NeighborMeans(source, matrix, encoding, count)


def by_hand(values: np.ndarray, query: np.ndarray, count: int, metric: str) -> np.ndarray:
    """Average a description with its neighbors: sorted, weighed and added one by one."""
    (distances,) = cdist(query[None], values, SCIPY[metric])
    distances[(values == query).all(axis=1)] = 0
    usual = np.median(distances)
    others = [row for row in np.argsort(distances, kind="stable") if 0 < distances[row] < usual]
    total, weights = query.astype(np.float64), 1.0
    for row in others[:count]:
        if distances[row] <= RATIO * distances[others[0]]:
            weight = (1 - distances[row] / usual) ** ALPHA
            total = total + weight * values[row]
            weights += weight
    return total / weights


@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from(sorted(SCIPY)))
@settings(max_examples=60, deadline=None)
def test_it_is_a_mean_weighted_by_similarity(seed: int, count: int, metric: str) -> None:
    random = np.random.default_rng(seed)
    kinds = random.random((4, 6)) * 2
    matrix = (kinds[random.integers(0, 4, 40)] + 0.2 * random.random((40, 6))).astype(np.float32)
    means = means_of(matrix, count, metric=metric)
    expected = [by_hand(matrix.astype(np.float64), row, count, metric) for row in matrix]
    everything = means.of_all(ProgressListener(), "rows")
    assert everything.dtype == matrix.dtype
    assert everything == pytest.approx(np.array(expected), rel=1e-5)
    query = kinds[0].astype(np.float32)
    expected_one = by_hand(matrix.astype(np.float64), query, count, metric)
    assert means.mean_of(query) == pytest.approx(expected_one, rel=1e-5)


@pytest.mark.parametrize(("encoding", "power"), [(STEPS, 1), (ROOTS, 2)])
def test_values_are_averaged_and_stored_as_rows_are(encoding: Encoding, power: int) -> None:
    """Two that are near each other, each other's only neighbor, and many far away."""
    far = np.full((20, 2), 250, np.uint8)
    far[:, 0] = np.arange(20)
    matrix = np.concatenate([np.array([[100, 0], [120, 4]], np.uint8), far])
    values = (matrix / 255.0) ** power
    (distances,) = cdist(values[:1], values)
    weight = (1 - distances[1] / np.median(distances)) ** ALPHA
    expected = (values[0] + weight * values[1]) / (1 + weight)
    found = means_of(matrix, 5, encoding).mean_of(matrix[0])
    assert found.dtype == np.uint8
    assert np.array_equal(found, np.rint(255 * expected ** (1 / power)))


def test_copies_are_no_neighbors_and_share_a_mean() -> None:
    random = np.random.default_rng(5)
    matrix = random.random((60, 4)).astype(np.float32)
    alone = means_of(matrix, 3).of_all(ProgressListener(), "rows")
    matrix[10:13] = matrix[7]
    means = means_of(matrix, 3)
    everything = means.of_all(ProgressListener(), "rows")
    assert (everything[10:13] == everything[7]).all() and not (everything[7] == matrix[7]).all()
    assert (means.mean_of(matrix[7].copy()) == everything[7]).all()
    assert alone.shape == everything.shape


@pytest.mark.parametrize(
    "matrix",
    [
        np.ones((1, 3), np.float32),
        np.ones((9, 3), np.float32),
        np.repeat(np.array([[0, 1], [5, 5]], np.uint8), [7, 2], axis=0),
        np.full((4, 2), np.nan, np.float32),
    ],
)
def test_without_neighbors_a_row_stays_as_it_is(matrix: np.ndarray) -> None:
    """One row, copies only, more copies than others, and what cannot be compared."""
    found = means_of(matrix, 4).of_all(ProgressListener(), "rows")
    assert np.array_equal(found[0], matrix[0], equal_nan=matrix.dtype.kind == "f")


def test_progress_is_told() -> None:
    told: list[object] = []

    class Listener(ProgressListener):
        def begin(self, task: str, total: int, unit: str = "images") -> None:
            told.append((task, total, unit))

        def advance(self, steps: int = 1) -> None:
            told.append(steps)

        def end(self) -> None:
            told.append("end")

    means_of(np.eye(3, dtype=np.float32), 1).of_all(Listener(), "hsv")
    assert told == [("averaging hsv with neighbors", 3, "images"), 1, 1, 1, "end"]
