"""Matches of descriptors are those of brute force."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from cbir.descriptors.local_features.base import LocalFeatures
from cbir.verification.descriptor_matching import (
    as_left,
    as_right,
    comparable,
    match_descriptors,
    match_prepared,
)

SMALL = arrays(np.uint8, st.tuples(st.integers(0, 12), st.just(3)), elements=st.integers(0, 9))


def matched_by_hand(first: np.ndarray, second: np.ndarray, ratio: float) -> set[tuple[int, int]]:
    """Each other's nearest, and nearer than the second nearest by the ratio."""
    squares = cdist(first.astype(float), second.astype(float), "sqeuclidean")
    pairs = set()
    for i, row in enumerate(squares):
        j = int(row.argmin())
        second_best = max(np.delete(row, j).min(), 1)
        if squares[:, j].argmin() == i and row[j] / second_best < ratio**2:
            pairs.add((i, j))
    return pairs


@given(first=SMALL, second=SMALL)
def test_matches_are_those_of_brute_force(first: np.ndarray, second: np.ndarray) -> None:
    pairs = match_descriptors(first, second, 0.85)
    assert pairs.shape == (len(pairs), 2)
    if min(len(first), len(second)) < 2:
        assert len(pairs) == 0
    else:
        assert set(map(tuple, pairs.tolist())) == matched_by_hand(first, second, 0.85)


def test_the_clearest_match_is_the_first() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 200, (300, 128), dtype=np.uint8)
    noise = rng.normal(0, 1, first.shape) * np.linspace(40, 1, 300)[:, None]
    second = np.clip(first + noise, 0, 255).astype(np.uint8)
    pairs = match_descriptors(first, second, 0.85)
    assert (
        set(map(tuple, pairs.tolist())) == matched_by_hand(first, second, 0.85) and len(pairs) > 250
    )
    distances = np.sort(cdist(first[pairs[:, 0]].astype(float), second.astype(float)), axis=1)
    ratios = distances[:, 0] / distances[:, 1]
    assert (np.diff(ratios) > -1e-6).all()


def test_more_rows_than_a_block_match_as_by_hand_with_many_ties() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 3, (count, 8), dtype=np.uint8) for count in (300, 250))
    pairs = match_descriptors(first, second, 0.999)
    assert set(map(tuple, pairs.tolist())) == matched_by_hand(first, second, 0.999)
    assert len(pairs) > 5


def test_ratios_rise_and_are_those_of_the_distances() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 255, (200, 128), dtype=np.uint8)
    second = np.clip(first + rng.normal(0, 40, first.shape), 0, 255).astype(np.uint8)
    found = match_prepared(as_left(first), as_right(second), 0.95)
    assert len(found) > 100 and (np.diff(found.ratios) >= 0).all()
    for (i, _), ratio in zip(found.pairs.tolist(), found.ratios.tolist(), strict=True):
        nearest, after, *_ = np.sort(cdist(first[i : i + 1].astype(float), second.astype(float))[0])
        assert abs(ratio - nearest / after) < 1e-5


def test_the_distances_of_packed_bits_are_hamming() -> None:
    rng = np.random.default_rng(2)
    first, second = (
        LocalFeatures(
            np.zeros((count, 4), np.float32),
            rng.integers(0, 255, (count, 32), dtype=np.uint8),
            9,
            9,
        )
        for count in (20, 30)
    )
    squares = as_left(comparable(first, True)) @ as_right(comparable(second, True)).T
    bits = [np.unpackbits(one.descriptors, axis=1) for one in (first, second)]
    assert (squares == np.rint(256 * cdist(bits[0], bits[1], "hamming"))).all()
