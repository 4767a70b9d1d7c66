"""Exact distances by a loop against those by numpy: the very numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.descriptors.base import PLAIN, ROOTS, STEPS, Encoding
from cbir.search.exact import exact_distances
from cbir.search.exact.exact_distances import ExactDistances
from cbir.search.exact.sum_kernel import loop_for
from cbir.search.metrics import METRICS, Metric
from tests.compiled import compiled

NAMES = ("chi2", "euclidean", "manhattan", "cosine")
ENCODINGS = (PLAIN, STEPS, ROOTS, Encoding(0.0007), Encoding(0.37, 2))
TYPES = ("uint8", "uint16", "int8", "int16", "float32")


@pytest.fixture(autouse=True)
def loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops that are compiled, and used from the first number on."""
    for dtype in TYPES:
        compiled(loop_for(np.dtype(dtype)))
    monkeypatch.setattr(exact_distances, "_WORTH_LOADING", 0)


def by_numpy(rows: np.ndarray, encoding: Encoding, name: str, query: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return METRICS[name].between(encoding.values(query), encoding.values(rows))


def uses_its_loop(distances: ExactDistances) -> bool:
    return distances._is_tried and distances._loop is not None


@pytest.mark.parametrize("width", [1, 7, 8, 33, 127, 128, 129, 136, 255, 300, 1536, 8192])
@pytest.mark.parametrize("name", NAMES)
def test_widths_of_all_kinds_are_added_up_as_numpy_does(name: str, width: int) -> None:
    rng = np.random.default_rng(width)
    rows = (rng.integers(0, 256, (40, width)) * (rng.random((40, width)) < 0.6)).astype(np.uint8)
    rows[7] = 0
    for encoding in ENCODINGS:
        distances = ExactDistances(rows, encoding, METRICS[name])
        for query in (rows[3], rows[7]):
            found = distances.of(query, np.arange(40))
            np.testing.assert_array_equal(found, by_numpy(rows, encoding, name, query))
        assert uses_its_loop(distances)


@given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(TYPES),
    encoding=st.sampled_from(ENCODINGS),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 400)),
)
@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_all_types_in_any_order(
    name: str, seed: int, dtype: str, encoding: Encoding, shape: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0 if name == "chi2" else -100, 100, shape).astype(dtype)
    if dtype == "float32":
        rows = (rows * rng.random(shape)).astype(np.float32)
    numbers = rng.integers(0, len(rows), 30)
    distances = ExactDistances(rows, encoding, METRICS[name])
    found = distances.of(rows[0], numbers)
    np.testing.assert_array_equal(found, by_numpy(rows[numbers], encoding, name, rows[0]))
    assert uses_its_loop(distances)


@pytest.mark.parametrize("odd", [np.nan, np.inf, 3e38, 1e-38, 1e-45])
@pytest.mark.parametrize("name", NAMES)
def test_numbers_that_are_none_huge_or_tiny(name: str, odd: float) -> None:
    rows = np.random.default_rng(2).random((40, 30)).astype(np.float32)
    rows[35, 2] = odd
    rows[36:39] *= np.float32(odd)
    distances = ExactDistances(rows, PLAIN, METRICS[name])
    for query in (rows[0], rows[36]):
        with np.errstate(all="ignore"):
            found = distances.of(query, np.arange(40))
        np.testing.assert_array_equal(found, by_numpy(rows, PLAIN, name, query))
    assert uses_its_loop(distances)


def test_a_loop_that_gives_other_numbers_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Metric("chi2", lambda query, rows: METRICS["chi2"].between(query, rows) + 1, "", "")
    rows = np.random.default_rng(3).integers(0, 256, (50, 20)).astype(np.uint8)
    distances = ExactDistances(rows, STEPS, other)
    expected = by_numpy(rows, STEPS, "chi2", rows[0]) + 1
    np.testing.assert_array_equal(distances.of(rows[0], np.arange(50)), expected)
    np.testing.assert_array_equal(distances.of(rows[0], np.arange(50)), expected)
    assert not uses_its_loop(distances)


def test_rows_that_are_not_there_and_queries_of_another_width_are_refused() -> None:
    rows = np.zeros((5, 4), np.uint8)
    distances = ExactDistances(rows, STEPS, METRICS["chi2"])
    distances.of(rows[0], np.arange(5))
    with pytest.raises(IndexError):
        distances.of(rows[0], np.array([5]))
    with pytest.raises(ValueError, match="broadcast"):
        distances.of(np.zeros(3, np.uint8), np.array([0]))
    assert distances.of(rows[0], np.array([-1])).tolist() == [0.0]
    assert distances.of(rows[0], np.empty(0, np.intp)).tolist() == []


def test_there_is_no_loop_for_other_numbers() -> None:
    assert loop_for(np.dtype(np.float64)) is None
    assert loop_for(np.dtype(">u2")) is None
