"""Bags of words: tf-idf against scikit-learn's idea of it, and empty bags."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cbir.search.candidates import top_k
from cbir.search.exact.bovw import BovwIndex, TfIdf, inverse_frequency
from cbir.search.metrics import METRICS

COUNTS = np.array(
    [[4, 0, 2, 0], [0, 0, 0, 0], [1, 1, 1, 1], [4, 0, 2, 0], [0, 7, 0, 0], [8, 0, 4, 0]], np.uint16
)


def derive(name: str, build: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return build()


def source(metric: str) -> BovwIndex:
    return BovwIndex(COUNTS, METRICS[metric], derive)


def test_weights_are_counts_times_the_log_of_rarity() -> None:
    frequency = (COUNTS > 0).sum(axis=0)
    idf = np.array([np.log(7 / (n + 0.5)) for n in frequency])
    assert np.allclose(inverse_frequency(frequency, 6), idf)
    weighted = TfIdf(idf, 1).values(COUNTS)
    expected = COUNTS[2] * idf / (COUNTS[2] * idf).sum()
    assert np.allclose(weighted[2], expected)
    assert np.allclose(np.linalg.norm(TfIdf(idf, 2).values(COUNTS[[0, 2]]), axis=1), 1)


@pytest.mark.parametrize(
    ("metric", "farthest"), [("chi2", 1), ("manhattan", 2), ("cosine", 1), ("euclidean", 2**0.5)]
)
def test_an_empty_bag_is_as_far_as_can_be_and_never_nan(metric: str, farthest: float) -> None:
    every = np.arange(len(COUNTS))
    from_empty = source(metric).exact(COUNTS[1], every)
    assert from_empty.tolist() == [farthest, 0, farthest, farthest, farthest, farthest]
    from_full = source(metric).exact(COUNTS[4], every)
    assert from_full[1] == farthest and from_full[4] == 0
    assert from_full[0] == pytest.approx(farthest)


@pytest.mark.parametrize("metric", ["chi2", "manhattan", "cosine", "euclidean"])
def test_equal_shares_are_at_distance_zero_whatever_the_size(metric: str) -> None:
    ranked = top_k(source(metric), COUNTS[0], 3)
    assert [row for row, _ in ranked] == [0, 3, 5]
    assert ranked[0][1] == ranked[1][1] == 0
    assert ranked[2][1] == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("metric", ["chi2", "manhattan", "cosine", "euclidean"])
def test_ranking_equals_brute_force(metric: str) -> None:
    rng = np.random.default_rng(0)
    counts = (rng.integers(0, 9, (200, 30)) * (rng.random((200, 30)) < 0.3)).astype(np.uint16)
    counts[::17] = 0
    bags = BovwIndex(counts, METRICS[metric], derive)
    for query in (counts[0], counts[3]):
        exact = bags.exact(query, np.arange(200))
        order = np.lexsort((np.arange(200), exact))[:20]
        assert top_k(bags, query, 20) == [(int(row), float(exact[row])) for row in order]


def test_one_image_alone_is_found() -> None:
    alone = BovwIndex(COUNTS[:1], METRICS["chi2"], derive)
    assert top_k(alone, COUNTS[0], 1) == [(0, 0.0)]
    assert top_k(alone, COUNTS[4], 1) == [(0, pytest.approx(1))]
