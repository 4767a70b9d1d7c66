"""Search within a Hamming distance, against bits that are compared one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.core.errors import UsageError
from cbir.search.hamming import pairs as pairs_module
from cbir.search.hamming import searches
from cbir.search.hamming.pairs import Pairs, neighbors_within, pairs_within

METHODS = ["numpy", "scan", 1, 3, 8, 16]
"""How to compare; a number is that of the chunks of an index."""


def _force(monkeypatch: pytest.MonkeyPatch, method: Any) -> None:
    if method == "numpy":
        return
    monkeypatch.setattr(searches, "_WORTH_NUMBA", 0)
    monkeypatch.setattr(searches, "_WORTH_COMPILING", 0)
    monkeypatch.setattr(searches, "_GATHERED", 0)
    monkeypatch.setattr(searches, "_SCANNED_WORD", 1000)

    def chunks(pairs: int, queries: int, hashes: int, bits: int, radius: int) -> int:
        few_keys = method != "scan" and radius // method <= 2
        return min(method, bits, radius + 1) if few_keys else 0

    monkeypatch.setattr(searches, "best_chunks", chunks)


def _distances(queries: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    differing = np.unpackbits(queries, axis=1)[:, None] != np.unpackbits(hashes, axis=1)
    return differing.sum(axis=2)


def _triples(parts: Iterable[Pairs]) -> list[tuple[int, int, int]]:
    parts = list(parts)
    assert all(len(part) for part in parts)
    for part in parts:
        assert (part.first.dtype, part.second.dtype) == (np.int32, np.int32)
        assert part.distance.dtype == np.uint16
    return [
        (int(first), int(second), int(distance))
        for part in parts
        for first, second, distance in zip(part.first, part.second, part.distance, strict=True)
    ]


def _expected(distances: np.ndarray, radius: int, above: bool) -> list[tuple[int, int, int]]:
    return [
        (int(i), int(j), int(distances[i, j]))
        for i, j in np.argwhere(distances <= radius)
        if j > i or not above
    ]


def _clustered(count: int, width: int, seed: int) -> np.ndarray:
    """Return hashes near few centers, some identical, some blank or nearly so."""
    rng = np.random.default_rng(seed)
    centers = rng.integers(0, 256, (max(1, count // 8), width), np.uint8)
    hashes = centers[rng.integers(0, len(centers), count)]
    flipped = rng.random((count, width * 8)) < rng.choice([0, 0.02, 0.1, 0.5], (count, 1))
    hashes[rng.random(count) < 0.2] = 0
    return hashes ^ np.packbits(flipped, axis=1)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40)
@given(
    count=st.integers(0, 60),
    width=st.sampled_from([1, 3, 8, 16, 19, 32]),
    share=st.floats(0, 1),
    seed=st.integers(0, 1 << 16),
    workers=st.sampled_from([1, 4]),
)
def test_all_pairs_are_those_of_brute_force(
    method: Any, count: int, width: int, share: float, seed: int, workers: int
) -> None:
    hashes = _clustered(count, width, seed)
    radius = round(share * share * width * 8)
    with pytest.MonkeyPatch.context() as patch:
        _force(patch, method)
        found = _triples(pairs_within(hashes, radius, workers))
    assert found == _expected(_distances(hashes, hashes), radius, above=True)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40)
@given(
    count=st.integers(0, 40),
    queries=st.integers(0, 10),
    width=st.sampled_from([2, 8, 9, 32]),
    share=st.floats(0, 1),
    seed=st.integers(0, 1 << 16),
)
def test_neighbors_are_those_of_brute_force(
    method: Any, count: int, queries: int, width: int, share: float, seed: int
) -> None:
    both = _clustered(count + queries, width, seed)
    rows, hashes = both[:queries], both[queries:]
    radius = round(share * share * width * 8)
    with pytest.MonkeyPatch.context() as patch:
        _force(patch, method)
        found = _triples(neighbors_within(rows, hashes, radius))
    assert found == _expected(_distances(rows, hashes), radius, above=False)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("width", [8, 32])
def test_many_blocks_halved_and_in_parts(
    method: Any, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _force(monkeypatch, method)
    monkeypatch.setattr(pairs_module, "_MATCHES", 1)
    monkeypatch.setattr(pairs_module, "_PAIRS", 100)
    hashes = _clustered(600, width, seed=5)
    parts = list(pairs_within(hashes, width, workers=4))
    again = list(pairs_within(hashes, width, workers=1))
    assert len(parts) > 5
    assert max(map(len, parts)) < 100 + len(hashes)
    assert _triples(parts) == _triples(again)
    assert _triples(parts) == _expected(_distances(hashes, hashes), width, above=True)


def test_what_is_chosen_on_many_hashes_finds_what_numpy_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(2)
    hashes = rng.integers(0, 256, (20_000, 32), np.uint8)
    hashes[rng.random(len(hashes)) < 0.02] = 0
    hashes[rng.integers(0, 20_000, 400)] = hashes[:400] ^ np.eye(32, dtype=np.uint8)[:1]
    numpy = _triples(neighbors_within(hashes[:50], hashes, 31))
    monkeypatch.setattr(searches, "_WORTH_NUMBA", 0)
    monkeypatch.setattr(searches, "_WORTH_COMPILING", 0)
    monkeypatch.setattr(searches, "best_chunks", lambda *_: 16)
    built: list[int] = []
    multi_index = searches.MultiIndex
    monkeypatch.setattr(searches, "MultiIndex", lambda *a: built.append(1) or multi_index(*a))
    found = _triples(pairs_within(hashes, 31))
    assert built
    below = [(i, j, d) for i, j, d in numpy if i < j]
    assert [triple for triple in found if triple[0] < 50] == below


@pytest.mark.parametrize("method", METHODS)
def test_the_least_and_the_largest_radius(method: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _force(monkeypatch, method)
    hashes = _clustered(40, 8, seed=1)
    distances = _distances(hashes, hashes)
    assert _triples(pairs_within(hashes, -1)) == []
    assert _triples(pairs_within(hashes, 0)) == _expected(distances, 0, above=True)
    assert len(_triples(pairs_within(hashes, 64))) == 40 * 39 // 2
    assert len(_triples(pairs_within(hashes, 1000))) == 40 * 39 // 2


def test_opposite_hashes() -> None:
    hashes = np.array([[0] * 32, [255] * 32], np.uint8)
    assert _triples(pairs_within(hashes, 255)) == []
    assert _triples(pairs_within(hashes, 256)) == [(0, 1, 256)]


@pytest.mark.parametrize("width", [0, 1, 8])
def test_nothing_to_compare(width: int) -> None:
    nothing, one = np.empty((0, width), np.uint8), np.zeros((1, width), np.uint8)
    assert _triples(pairs_within(nothing, 3)) == []
    assert _triples(pairs_within(one, 3)) == []
    assert _triples(neighbors_within(nothing, one, 3)) == []
    assert _triples(neighbors_within(one, nothing, 3)) == []
    assert _triples(neighbors_within(one, one, 3)) == [(0, 0, 0)]


def test_read_only_and_strided_hashes() -> None:
    wide = _clustered(50, 16, seed=3)
    hashes = wide[::2, :8]
    expected = _triples(pairs_within(np.ascontiguousarray(hashes), 5))
    hashes.flags.writeable = False
    assert _triples(pairs_within(hashes, 5)) == expected


def test_an_unfinished_search_can_be_dropped() -> None:
    hashes = np.zeros((3000, 8), np.uint8)
    parts = pairs_within(hashes, 0, workers=2)
    assert next(parts).first[0] == 0
    parts.close()


def test_an_index_takes_over_when_there_are_many() -> None:
    def chunks(count: int, radius: int, bits: int = 256) -> int:
        return searches.best_chunks(count * count // 2, count, count, bits, radius)

    assert chunks(1_000, 31) == 0
    assert chunks(1_000_000, 31) == 16
    assert chunks(1_000_000, 10) == 11
    assert chunks(1_000_000, 128) == 0
    assert chunks(1_000_000, 0, bits=64) == 1
    assert searches.best_chunks(1_000_000, 1, 1_000_000, 256, 31) == 0  # a single query


@pytest.mark.parametrize(
    "hashes",
    [np.zeros(8, np.uint8), np.zeros((2, 8), np.int64), np.zeros((1, 8192), np.uint8)],
    ids=["one row", "not bytes", "too long"],
)
def test_what_cannot_be_compared(hashes: np.ndarray) -> None:
    with pytest.raises(UsageError):
        list(pairs_within(hashes, 3))


def test_queries_of_another_length() -> None:
    with pytest.raises(UsageError, match="queries of 8 bytes"):
        list(neighbors_within(np.zeros((1, 8), np.uint8), np.zeros((1, 32), np.uint8), 3))
