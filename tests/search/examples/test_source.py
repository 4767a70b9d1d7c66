"""Rankings by several examples are those of the exact distances, however they are estimated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.descriptors.base import PLAIN
from cbir.search.candidates import top_k
from cbir.search.exact.flat import FlatIndex
from cbir.search.examples.examples import Examples
from cbir.search.examples.source import Comparison, ExamplesSource
from cbir.search.metrics import METRICS

METRIC_NAMES = ("euclidean", "manhattan", "chi2", "cosine")


def made(
    seed: int, rows: int, metric: str, counts: tuple[int, int], views: int
) -> tuple[np.ndarray, Examples[Any], ExamplesSource[Any]]:
    rng = np.random.default_rng(seed)
    matrix = rng.random((rows, 6)).astype(np.float32)
    flat = FlatIndex(matrix, PLAIN, METRICS[metric])

    def image() -> tuple[np.ndarray, ...]:
        # Some examples are rows, at distance 0 from themselves.
        return tuple(matrix[rng.integers(rows)] + rng.choice([0, 0.1]) for _ in range(views))

    wanted, unwanted = (tuple(image() for _ in range(count)) for count in counts)
    examples = Examples(wanted, unwanted)
    return matrix, examples, ExamplesSource(examples.each(lambda one: Comparison(flat, one)))


def by_hand(matrix: np.ndarray, examples: Examples[Any], metric: str) -> np.ndarray:
    def soft(images: Any) -> np.ndarray:
        values = matrix.astype(float)
        each = [
            np.min([METRICS[metric].between(view.astype(float), values) for view in views], axis=0)
            for views in images
        ]
        with np.errstate(divide="ignore"):
            return np.mean(np.array(each) ** -4.0, axis=0) ** -0.25

    wanted = soft(examples.wanted)
    if not examples.unwanted:
        return wanted
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(wanted > 0, wanted * np.minimum(wanted / soft(examples.unwanted), 100), 0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1000),
    st.integers(1, 300),
    st.sampled_from(METRIC_NAMES),
    st.tuples(st.integers(1, 3), st.integers(0, 2)),
    st.sampled_from([1, 2]),
)
def test_the_nearest_are_found(
    seed: int, rows: int, metric: str, counts: tuple[int, int], views: int
) -> None:
    matrix, examples, source = made(seed, rows, metric, counts, views)
    expected = by_hand(matrix, examples, metric)
    exact = source.exact(examples, np.arange(rows))
    assert exact == pytest.approx(expected, abs=1e-6)
    order = np.lexsort((np.arange(rows), exact))
    for k in (1, 5, rows):
        found = top_k(source, examples, k)
        assert found == [(int(row), float(exact[row])) for row in order[:k]]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 300), st.sampled_from(METRIC_NAMES))
def test_estimates_are_no_farther_off_than_they_say(seed: int, rows: int, metric: str) -> None:
    _, examples, source = made(seed, rows, metric, (2, 1), 2)
    exact = source.exact(examples, np.arange(rows))
    off = np.abs(source.estimate(examples) - exact)
    assert off.max() <= source.tolerance(examples, float(exact.max()))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 3))
def test_all_within_a_limit_are_found(seed: int, limit: float) -> None:
    _, examples, source = made(seed, 200, "euclidean", (2, 1), 1)
    exact = source.exact(examples, np.arange(200))
    assert source.within(examples, limit).tolist() == np.flatnonzero(exact <= limit).tolist()


def test_the_nearest_view_is_that_of_the_nearest_image() -> None:
    matrix = np.arange(40, dtype=np.float32).reshape(20, 2)
    flat = FlatIndex(matrix, PLAIN, METRICS["euclidean"])
    examples = Examples(((matrix[0], matrix[10]), (matrix[5], matrix[19])))
    source = ExamplesSource(examples.each(lambda one: Comparison(flat, one)))
    assert source.nearest_views(np.array([0, 5, 10, 19])).tolist() == [0, 0, 1, 1]
    assert source.nearest_views(np.array([], np.intp)).tolist() == []
