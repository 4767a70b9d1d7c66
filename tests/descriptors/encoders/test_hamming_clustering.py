"""Words of binary features: against brute force."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from cbir.core.progress import ProgressListener
from cbir.descriptors.encoders.clustering import cluster, in_blocks
from cbir.descriptors.encoders.hamming_clustering import majority_bits, nearest_bits, nearest_words

BITS = arrays(
    np.uint8, st.tuples(st.integers(3, 200), st.just(32)), elements=st.sampled_from([0, 7, 255])
)


def k_majority(
    features: np.ndarray, count: int, listener: ProgressListener | None = None
) -> np.ndarray:
    return cluster(features, count, 5, nearest_bits, majority_bits, listener)


@given(features=BITS, words=BITS)
def test_the_nearest_words_are_those_of_scipy_lowest_number_first(
    features: np.ndarray, words: np.ndarray
) -> None:
    distances = cdist(np.unpackbits(features, axis=1), np.unpackbits(words, axis=1), "cityblock")
    expected = np.argsort(distances, axis=1, kind="stable")[:, :3]
    nearest, distance = nearest_words(features, words, 3)
    assert np.array_equal(nearest, expected)
    assert np.array_equal(distance, distances.min(axis=1))


def test_words_found_on_many_threads_are_those_found_on_one() -> None:
    rng = np.random.default_rng(0)
    features = rng.integers(0, 256, (20_000, 32), np.uint8)
    words = rng.integers(0, 256, (50, 32), np.uint8)
    labels, distances = in_blocks(features, words, nearest_bits)
    assert np.array_equal(labels, nearest_bits(features, words)[0])
    assert np.array_equal(distances, nearest_bits(features, words)[1])


def test_k_majority_finds_the_centers_of_clear_clusters() -> None:
    rng = np.random.default_rng(5)
    centers = rng.integers(0, 256, (6, 32), np.uint8)
    bits = np.repeat(np.unpackbits(centers, axis=1), 50, axis=0)
    bits ^= (rng.random(bits.shape) < 0.05).astype(np.uint8)
    words = k_majority(np.packbits(bits, axis=1), 6)
    found = {word.tobytes() for word in words} & {center.tobytes() for center in centers}
    # From a random start two centers may share a word, never more than that.
    assert len(found) >= 4


@settings(max_examples=20)
@given(BITS)
def test_k_majority_never_serves_features_worse_than_its_start(features: np.ndarray) -> None:
    words = k_majority(features, 2)
    assert len(words) <= 2 and words.dtype == np.uint8
    assert np.array_equal(words, k_majority(features, 2))


def test_few_features_give_few_words() -> None:
    features = np.repeat(np.arange(3, dtype=np.uint8)[:, None], 32, axis=1)
    assert len(k_majority(np.tile(features, (5, 1)), 10)) == 3


def test_clustering_tells_its_rounds() -> None:
    class Counting(ProgressListener):
        def __init__(self) -> None:
            self.calls: list[object] = []

        def begin(self, task: str, total: int, unit: str = "images") -> None:
            self.calls.append((task, total, unit))

        def advance(self, steps: int = 1) -> None:
            self.calls.append(steps)

        def end(self) -> None:
            self.calls.append("end")

    listener = Counting()
    features = np.random.default_rng(5).integers(0, 256, (400, 32), np.uint8)
    assert np.array_equal(k_majority(features, 7, listener), k_majority(features, 7))
    first, *rounds, last = listener.calls
    assert first == ("clustering", 5, "rounds") and last == "end"
    assert 1 <= len(rounds) <= 5 and set(rounds) == {1}
