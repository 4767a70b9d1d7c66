"""Metrics against scipy and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from cbir.core.errors import UsageError
from cbir.search import metrics

SHAPES = st.tuples(st.integers(1, 20), st.integers(1, 50))
VALUES = st.floats(0, 1000, allow_subnormal=False)


@st.composite
def query_and_rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n, d = draw(SHAPES)
    return draw(arrays(np.float64, d, elements=VALUES)), draw(
        arrays(np.float64, (n, d), elements=VALUES)
    )


@given(query_and_rows())
@pytest.mark.parametrize(
    ("name", "scipy_name"), [("euclidean", "euclidean"), ("manhattan", "cityblock")]
)
def test_agrees_with_scipy(name: str, scipy_name: str, data: tuple[np.ndarray, np.ndarray]) -> None:
    query, rows = data
    expected = cdist(query[None], rows, scipy_name)[0]
    np.testing.assert_allclose(metrics.get(name).between(query, rows), expected, rtol=1e-9)


@given(query_and_rows())
def test_cosine_agrees_with_scipy_where_scipy_is_defined(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    query, rows = data
    sound = (np.linalg.norm(rows, axis=1) > 1e-30) & (np.linalg.norm(query) > 1e-30)
    distances = metrics.cosine(query, rows)
    with np.errstate(all="ignore"):
        expected = cdist(query[None], rows, "cosine")[0]
    np.testing.assert_allclose(distances[sound], expected[sound], atol=1e-9)
    assert np.isfinite(distances).all()


@given(query_and_rows())
def test_chi2_agrees_with_its_formula_summed_in_python(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    query, rows = data
    expected = [
        sum((a - b) ** 2 / (a + b) for a, b in zip(query, row, strict=True) if a + b) / 2
        for row in rows
    ]
    np.testing.assert_allclose(metrics.chi2(query, rows), expected, rtol=1e-9, atol=1e-300)


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.sampled_from([1, 5, 8, 32]))))
def test_hamming_agrees_with_scipy_on_unpacked_bits(rows: np.ndarray) -> None:
    query = rows[0]
    bits = np.unpackbits(rows, axis=1)
    expected = cdist(bits[:1], bits, "hamming")[0] * bits.shape[1]
    np.testing.assert_allclose(metrics.hamming(query, rows), expected, atol=1e-9)


@given(query_and_rows())
@pytest.mark.parametrize("name", ["chi2", "euclidean", "manhattan", "cosine"])
def test_a_row_is_at_distance_0_of_itself_and_of_nothing_else_nearer(
    name: str, data: tuple[np.ndarray, np.ndarray]
) -> None:
    _, rows = data
    distances = metrics.get(name).between(rows[0], rows)
    assert distances[0] == 0
    assert (distances >= 0).all()


@given(query_and_rows())
@pytest.mark.parametrize("name", ["chi2", "euclidean", "manhattan", "cosine"])
def test_a_distance_does_not_depend_on_the_other_rows(
    name: str, data: tuple[np.ndarray, np.ndarray]
) -> None:
    query, rows = data
    between = metrics.get(name).between
    together = between(query, rows)
    for row, distance in zip(rows, together, strict=True):
        assert between(query, row[None])[0] == distance


def test_zero_rows_have_a_defined_cosine_distance() -> None:
    zero, one = np.zeros(3), np.ones(3)
    assert metrics.cosine(zero, np.array([zero, one])).tolist() == [0, 1]
    assert metrics.cosine(one, np.array([zero, one])).tolist() == [1, 0]


def test_an_unknown_metric_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="chi2, euclidean, cosine, manhattan, hamming"):
        metrics.get("minkowski")


@pytest.mark.parametrize("value", [1.0, 1e-60, 9.76219642e-79, 3e-80, 1e-100])
def test_a_row_of_tiny_numbers_is_at_distance_0_of_itself(value: float) -> None:
    row = np.array([value])
    assert metrics.get("cosine").between(row, row[None]).tolist() == [0]
