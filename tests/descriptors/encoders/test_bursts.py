"""Merging of bursts against pairs compared one by one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.core.errors import UsageError
from cbir.core.threads import one_thread_each
from cbir.descriptors.encoders.asmk import Asmk
from cbir.descriptors.encoders.bursts import merged
from cbir.descriptors.encoders.clustering import Bytes
from tests.descriptors.encoders.test_signatures import NAMES, bound, image_of


def bursts(vectors: np.ndarray, likeness: float) -> list[list[int]]:
    """Return the members of each burst, by comparing each vector with all that were before."""
    found: list[list[int]] = []
    for number, one in enumerate(vectors):

        def alike(other: int, one: np.ndarray = one) -> bool:
            lengths = np.linalg.norm(one) * np.linalg.norm(vectors[other])
            return bool(lengths and one @ vectors[other] / lengths >= likeness)

        joined = [burst for burst in found if any(alike(other) for other in burst)]
        rest = [burst for burst in found if burst not in joined]
        found = [*rest, sorted([number, *(other for burst in joined for other in burst)])]
    return sorted(found)


@given(arrays(np.uint8, st.tuples(st.integers(0, 12), st.just(3)), elements=st.integers(0, 9)))
def test_numbers_that_are_alike_become_their_mean(rows: Bytes) -> None:
    likeness = 0.9371  # that no pair of such small numbers has to a few digits
    vectors = rows.astype(np.float64)
    expected = []
    for members in bursts(vectors, likeness):
        mean = vectors[members].mean(axis=0)
        length = np.linalg.norm(vectors[members], axis=1).mean()
        size = np.linalg.norm(mean)
        expected.append(mean * (length / size if size else 1))
    found = merged(rows, likeness, is_binary=False)
    assert found.shape == (len(expected), 3)
    assert np.allclose(found, np.reshape(expected, (-1, 3)), atol=0.501)


@given(arrays(np.uint8, st.tuples(st.integers(0, 12), st.just(1))))
def test_bits_that_are_alike_become_those_of_the_majority(rows: Bytes) -> None:
    vectors = np.unpackbits(rows, axis=1).astype(np.float64) * 2 - 1
    sums = [vectors[members].sum(axis=0) > 0 for members in bursts(vectors, 0.6)]
    expected = np.packbits(np.array(sums, bool).reshape(-1, 8), axis=1)
    assert merged(rows, 0.6, is_binary=True).tolist() == expected.tolist()


def halves(features: str) -> Iterator[tuple[Bytes, Bytes]]:
    for name in NAMES:
        rows = bound(Asmk, features).extractor.extract(image_of(name)).descriptors
        yield rows, np.concatenate([rows, rows])


@pytest.mark.parametrize("features", ["sift", "orb"])
def test_an_image_beside_itself_has_no_more_bursts(features: str) -> None:
    is_binary = features == "orb"
    with one_thread_each():
        for once, twice in halves(features):
            assert (merged(twice, 0.95, is_binary) == merged(once, 0.95, is_binary)).all()
            assert merged(twice, 1, is_binary) is twice


def test_fewer_entries_for_images_with_bursts() -> None:
    usual = bound(Asmk, "sift")
    early = Asmk(features="sift", count=150, words=40, burst=0.85).bind(usual.vocabulary)
    assert early.fingerprint != usual.fingerprint
    for name in NAMES:
        features = usual.extractor.extract(image_of(name))
        own, query = early.encode_both(features)
        assert len(merged(features.descriptors, 0.85, is_binary=False)) < len(features)
        assert len(own) <= len(usual.encode(features)) and len(query) >= len(own)


@pytest.mark.parametrize("burst", [0, -1, 1.01, float("nan")])
def test_a_likeness_that_is_none_is_refused(burst: float) -> None:
    with pytest.raises(UsageError, match=f"burst={burst} must be above 0, and at most 1"):
        Asmk(burst=burst)
