"""Ranking against sorting all exact distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from cbir.descriptors.base import PLAIN, ROOTS, STEPS, Encoding
from cbir.descriptors.hashes.perceptual import DifferenceHash
from cbir.search.candidates import top_k, top_k_of_each
from cbir.search.exact import flat, product_bounds
from cbir.search.exact.binary import BinaryFlatIndex
from cbir.search.exact.flat import FlatIndex
from cbir.search.exact.kernels import loop_of
from cbir.search.metrics import METRICS, Metric, hamming
from cbir.search.sources import open_source
from tests.compiled import compiled

METRIC_NAMES = ["chi2", "euclidean", "cosine", "manhattan"]
MATRICES = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 30)))


def brute_force(distances: np.ndarray, top: int) -> list[tuple[int, float]]:
    order = sorted(range(len(distances)), key=lambda row: (distances[row], row))[:top]
    return [(row, float(distances[row])) for row in order]


@given(matrix=MATRICES, top=st.integers(1, 50), row=st.integers(0, 39))
@pytest.mark.parametrize("name", METRIC_NAMES)
def test_ranking_equals_brute_force(name: str, matrix: np.ndarray, top: int, row: int) -> None:
    query = matrix[row % len(matrix)]
    source = FlatIndex(matrix, ROOTS, METRICS[name])
    exact = METRICS[name].between(ROOTS.values(query), ROOTS.values(matrix))
    assert top_k(source, query, top) == brute_force(exact, top)


@given(matrix=MATRICES, top=st.integers(1, 50))
def test_ranking_bits_equals_brute_force(matrix: np.ndarray, top: int) -> None:
    exact = hamming(matrix[0], matrix).astype(float)
    assert top_k(BinaryFlatIndex(matrix), matrix[0], top) == brute_force(exact, top)


def test_the_quality_behind_the_bits_is_not_compared() -> None:
    rows = np.random.default_rng(5).integers(0, 256, (60, 9), np.uint8)
    rows[30:, :8] = rows[:30, :8]
    source = open_source(DifferenceHash(), rows, METRICS["hamming"])
    exact = hamming(rows[7, :8].copy(), rows[:, :8].copy()).astype(float)
    assert top_k(source, rows[7], 60) == brute_force(exact, 60)
    assert top_k(source, rows[7], 2) == [(7, 0.0), (37, 0.0)]


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_blocks_threads_and_kernels_give_the_same_ranking(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.integers(0, 256, (3000, 40), np.uint8)
    matrix[2000:] = matrix[:1000]
    expected = top_k(FlatIndex(matrix, ROOTS, METRICS[name]), matrix[5], 20)
    monkeypatch.setattr(flat, "_BLOCK", 999)
    monkeypatch.setattr(flat, "_WORTH_THREADS", 1)
    assert top_k(FlatIndex(matrix, ROOTS, METRICS[name]), matrix[5], 20) == expected
    compiled(loop_of(name, matrix.dtype))
    monkeypatch.setattr(flat, "_WORTH_LOADING", 1)
    assert top_k(FlatIndex(matrix, ROOTS, METRICS[name]), matrix[5], 20) == expected


MANY = st.tuples(st.integers(1, 30), st.integers(1, 20))


@given(matrix=arrays(np.uint8, MANY), top=st.integers(1, 40), seed=st.integers(0, 9))
@pytest.mark.parametrize("encoding", [ROOTS, STEPS])
@pytest.mark.parametrize("name", METRIC_NAMES)
def test_many_queries_together_are_ranked_as_each_alone(
    name: str, encoding: Encoding, matrix: np.ndarray, top: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    queries = [*matrix[:6], *rng.integers(0, 256, (4, matrix.shape[1])).astype(np.uint8)]
    masks = [None, *(rng.random((len(queries) - 1, len(matrix))) < 0.7)]
    source = FlatIndex(matrix, encoding, METRICS[name])
    together = list(top_k_of_each(source, queries, top, None, masks))
    pairs = zip(queries, masks, strict=True)
    alone = [top_k(source, query, top, None, mask) for query, mask in pairs]
    assert together == alone


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_many_queries_are_compared_in_blocks_and_threads(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.random((500, 30)).astype(np.float32)
    matrix[300:] = matrix[:200]
    matrix[7] = 0
    source = FlatIndex(matrix, PLAIN, METRICS[name])
    alone = [top_k(source, query, 9, 0.5) for query in matrix[:20]]
    monkeypatch.setattr(flat, "_MOST_BOUNDS", 3 * len(matrix))
    monkeypatch.setattr(product_bounds, "_BLOCK", 700)
    monkeypatch.setattr(product_bounds, "_WORTH_THREADS", 1)
    assert list(top_k_of_each(source, list(matrix[:20]), 9, 0.5, [None] * 20)) == alone


@pytest.mark.parametrize("odd", [np.nan, 1e30, 1e-30])
@pytest.mark.parametrize("name", METRIC_NAMES)
def test_many_queries_among_rows_that_are_no_numbers_huge_or_tiny(name: str, odd: float) -> None:
    rng = np.random.default_rng(2)
    matrix = rng.random((40, 6)).astype(np.float32)
    matrix[5, 2] = odd
    matrix[9:12] *= odd
    source = FlatIndex(matrix, PLAIN, METRICS[name])
    queries = [*matrix[:5], *matrix[6:9], *matrix[12:]]
    with np.errstate(all="ignore"):
        alone = [top_k(source, query, 4) for query in queries]
        together = list(top_k_of_each(source, queries, 4, None, [None] * len(queries)))
    np.testing.assert_array_equal(together, alone)


def test_equal_distances_keep_the_order_of_the_rows() -> None:
    matrix = np.zeros((500, 4), np.uint8)
    source = FlatIndex(matrix, Encoding(), METRICS["euclidean"])
    assert top_k(source, matrix[0], 5) == [(row, 0.0) for row in range(5)]


def test_max_distance_and_an_excluded_row_are_left_out() -> None:
    matrix = np.array([[0], [3], [4], [9]], np.uint8)
    source = FlatIndex(matrix, Encoding(), METRICS["manhattan"])
    assert top_k(source, matrix[0], 9, max_distance=4) == [(0, 0.0), (1, 3.0), (2, 4.0)]
    others = np.array([False, True, True, True])
    assert top_k(source, matrix[0], 2, eligible=others) == [(1, 3.0), (2, 4.0)]
    assert top_k(source, matrix[0], 2, max_distance=-1) == []
    single = FlatIndex(matrix[:1], Encoding(), METRICS["manhattan"])
    assert top_k(single, matrix[0], 3, eligible=others[:1]) == []


@pytest.mark.parametrize("name", METRIC_NAMES)
@pytest.mark.parametrize(
    "matrix",
    [
        np.random.default_rng(0).integers(2**28, 2**28 + 30, (60, 5)).astype(np.int32),
        np.random.default_rng(0).normal(1e6, 0.3, (60, 5)),
        np.random.default_rng(0).random((60, 5)) * 1e30,
        np.random.default_rng(0).random((60, 5)).astype(np.float32) * np.float32(1e-30),
    ],
)
def test_numbers_that_single_precision_does_not_hold_are_ranked_right(
    name: str, matrix: np.ndarray
) -> None:
    exact = METRICS[name].between(matrix[3].astype(float), matrix.astype(float))
    assert top_k(FlatIndex(matrix, Encoding(), METRICS[name]), matrix[3], 9) == brute_force(
        exact, 9
    )


def test_a_row_that_is_no_number_comes_last() -> None:
    matrix = np.array([[1.0], [np.nan], [3.0]], np.float32)
    ranked = top_k(FlatIndex(matrix, Encoding(), METRICS["manhattan"]), matrix[0], 2)
    assert ranked == [(0, 0.0), (2, 2.0)]


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_nearly_equal_rows_with_a_scale_are_ranked_right(name: str) -> None:
    rng = np.random.default_rng(4)
    matrix = (60_000 + rng.integers(0, 3, (80, 12))).astype(np.uint16)
    encoding = Encoding(1 / 65_535)
    exact = METRICS[name].between(encoding.values(matrix[3]), encoding.values(matrix))
    ranked = top_k(FlatIndex(matrix, encoding, METRICS[name]), matrix[3], 9)
    assert ranked == brute_force(exact, 9)


def test_a_metric_without_a_kernel_is_scanned_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def canberra(query: np.ndarray, rows: np.ndarray) -> np.ndarray:
        sums = np.abs(query) + np.abs(rows)
        return (np.abs(query - rows) / np.where(sums == 0, 1, sums)).sum(axis=1)

    monkeypatch.setattr(flat, "_WORTH_LOADING", 0)
    matrix = np.random.default_rng(1).integers(0, 255, (50, 8)).astype(np.uint8)
    source = FlatIndex(matrix, PLAIN, Metric("canberra", canberra, "sum", "0 = equal"))
    exact = cdist(matrix[3:4].astype(float), matrix.astype(float), "canberra")[0]
    order = np.argsort(exact, kind="stable")[:5]
    assert [row for row, _ in top_k(source, matrix[3], 5)] == order.tolist()
