"""Fusing distances against brute force, and what must never break it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.descriptors.base import PLAIN, ROOTS
from cbir.search.candidates import top_k
from cbir.search.exact.binary import BinaryFlatIndex
from cbir.search.exact.flat import FlatIndex
from cbir.search.fusion.formulas import (
    ReciprocalRanks,
    ScoreNormalizer,
    WeightedSum,
    adaptive_weight,
    factors,
    ranks,
)
from cbir.search.metrics import METRICS, hamming

ROWS = st.integers(1, 40)
WEIGHTS = st.lists(st.floats(0.1, 10), min_size=3, max_size=3)


def matrices(rows: int, seed: int) -> list[np.ndarray]:
    """Rows of three descriptors, few values: there are ties."""
    rng = np.random.default_rng(seed)
    shapes = [(rows, 6), (rows, 20), (rows, 8)]
    highest = [3, 256, 4]
    return [
        rng.integers(0, high, shape, np.uint8) for high, shape in zip(highest, shapes, strict=True)
    ]


def distances_of(matrices: list[np.ndarray], row: int) -> np.ndarray:
    """The distances of a row to all rows by each of the three, shape (3, n)."""
    one, two, three = matrices
    values = ROOTS.values(one)
    return np.array(
        [
            METRICS["chi2"].between(values[row], values),
            METRICS["euclidean"].between(two[row].astype(float), two.astype(float)),
            hamming(three[row], three).astype(float),
        ]
    )


def sources_of(matrices: list[np.ndarray]) -> tuple[FlatIndex, FlatIndex, BinaryFlatIndex]:
    one, two, three = matrices
    return (
        FlatIndex(one, ROOTS, METRICS["chi2"]),
        FlatIndex(two, PLAIN, METRICS["euclidean"]),
        BinaryFlatIndex(three),
    )


@given(rows=ROWS, seed=st.integers(0, 99), weights=WEIGHTS, top=st.integers(1, 50))
def test_the_weighted_sum_equals_brute_force(
    rows: int, seed: int, weights: list[float], top: int
) -> None:
    stored = matrices(rows, seed)
    row = seed % rows
    query = tuple(matrix[row] for matrix in stored)
    source = WeightedSum(sources_of(stored), tuple(weights))
    expected = np.zeros(rows)
    for weight, distances in zip(weights, distances_of(stored, row), strict=True):
        expected += weight * distances
    order = sorted(range(rows), key=lambda other: (expected[other], other))[:top]
    ranked = top_k(source, query, top)
    assert [other for other, _ in ranked] == order
    assert [distance for _, distance in ranked] == pytest.approx(expected[order].tolist())
    parts = source.parts(query, np.array(order))
    assert sum(shares for _, shares in parts) == pytest.approx(expected[order])


def test_an_estimate_is_off_by_no_more_than_the_tolerance() -> None:
    stored = matrices(40, 1)
    source = WeightedSum(sources_of(stored), (1.0, 0.01, 0.0))
    query = tuple(matrix[7] for matrix in stored)
    exact = source.exact(query, np.arange(40))
    for estimate, distance in zip(source.estimate(query), exact, strict=True):
        assert abs(estimate - distance) <= source.tolerance(query, distance)


@given(rows=ROWS, seed=st.integers(0, 99), weights=WEIGHTS)
def test_reciprocal_ranks_equal_brute_force(rows: int, seed: int, weights: list[float]) -> None:
    stored = matrices(rows, seed)
    row = seed % rows
    query = tuple(matrix[row] for matrix in stored)
    source = ReciprocalRanks(sources_of(stored), weights, query)
    distances = distances_of(stored, row)
    best = sum(weight / 61 for weight in weights)
    for other in range(rows):
        score = 0.0
        for weight, part in zip(weights, distances, strict=True):
            rank = 1 + sum(distance < part[other] for distance in part)
            score += weight / (60 + rank)
        assert source.exact(query, np.array([other]))[0] == pytest.approx(1 - score / best)
    found = top_k(source, query, rows)
    assert found[0][1] == 0 and found == sorted(found, key=lambda pair: (pair[1], pair[0]))


@given(seed=st.integers(0, 99))
def test_the_order_of_the_rows_changes_no_distance(seed: int) -> None:
    stored = matrices(30, seed)
    query = tuple(matrix[3] for matrix in stored)
    order = np.random.default_rng(seed).permutation(30)
    shuffled = [matrix[order] for matrix in stored]
    everything = np.arange(30)
    for make in (
        lambda rows: WeightedSum(sources_of(rows), (1.0, 0.1, 3.0)),
        lambda rows: ReciprocalRanks(sources_of(rows), (1.0, 0.1, 3.0), query),
    ):
        before = make(stored).exact(query, everything)
        assert np.array_equal(make(shuffled).exact(query, everything), before[order])


@given(arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 5)))
def test_ties_share_the_best_rank(values: np.ndarray) -> None:
    nearer = (values[:, None] > values).sum(axis=1)
    assert np.array_equal(ranks(values.astype(float)), 1 + nearer)


@given(means=st.lists(st.floats(0.1, 1000), min_size=2, max_size=4), seed=st.integers(0, 99))
def test_the_ranking_is_that_of_the_weighted_z_scores(means: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.random(len(means)) + 0.1
    backgrounds = [mean * rng.uniform(0.5, 1.5, 200) for mean in means]
    normalizers = [ScoreNormalizer.of(background) for background in backgrounds]
    distances = np.array([rng.uniform(0, 2 * mean, 50) for mean in means])
    fused = factors(weights.tolist(), normalizers) @ distances
    z_scores = sum(
        weight * (part - normalizer.mean) / normalizer.deviation
        for weight, part, normalizer in zip(weights, distances, normalizers, strict=True)
    )
    assert np.array_equal(np.argsort(fused), np.argsort(z_scores))
    unrelated = np.array([normalizer.mean for normalizer in normalizers])
    assert factors(weights.tolist(), normalizers) @ unrelated == pytest.approx(1)


@given(arrays(np.float64, st.integers(0, 30), elements=st.floats(1e-6, 1e6)))
def test_any_background_gives_a_normalizer(background: np.ndarray) -> None:
    normalizer = ScoreNormalizer.of(background)
    assert 0 < normalizer.mean < np.inf and 0 < normalizer.deviation < np.inf


def test_a_large_background_is_measured_as_it_is() -> None:
    background = np.random.default_rng(0).normal(0.8, 0.08, 200)
    normalizer = ScoreNormalizer.of(background)
    assert normalizer.mean == pytest.approx(background.mean())
    assert normalizer.deviation == pytest.approx(background.std(), rel=0.01)


def test_a_background_without_any_spread_does_not_rule() -> None:
    same, spread = (
        ScoreNormalizer.of(np.full(200, 0.5)),
        ScoreNormalizer.of(np.linspace(0.4, 0.6, 200)),
    )
    shares = factors([1, 1], [same, spread])
    assert shares[0] < 15 * shares[1]
    few = ScoreNormalizer.of(np.array([0.5, 0.5000001]))
    assert few.deviation > 0.03


def test_a_curve_that_falls_steeply_weighs_more() -> None:
    rng = np.random.default_rng(0)
    background = rng.normal(0.8, 0.05, 200)
    rest = rng.normal(0.8, 0.05, 290)
    steep = np.sort(np.concatenate([np.linspace(0.2, 0.7, 10), rest]))
    slow = np.sort(np.concatenate([np.linspace(0.2, 0.7, 100), rest[:200]]))
    flat = np.linspace(0.2, 0.9, 300)
    weights = [adaptive_weight(curve, background, 300) for curve in (steep, slow, flat)]
    assert weights == sorted(weights, reverse=True) and weights[-1] >= 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_curves_of_next_to_nothing_have_a_weight(count: int) -> None:
    for background in (np.zeros(0), np.array([0.5]), np.array([0.4, 0.6])):
        assert 1 <= adaptive_weight(np.linspace(0.1, 0.2, count), background, max(1, count)) < 3
