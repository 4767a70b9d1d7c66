"""The nearest words by cells, against comparing with all of them."""

from __future__ import annotations

import tracemalloc
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from cbir.descriptors.encoders import word_cells
from cbir.descriptors.encoders.word_cells import WordCells
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.images.encoded_image import EncodedImage
from tests.conftest import DATA

NAMES = ["cats/cat-1", "cats/cat-2", "windmills/windmill-1", "things/coffee-1", "forest/brook-1"]


@cache
def descriptors() -> np.ndarray:
    """RootSIFT of five photographs."""
    extractor = SiftExtractor(1000, upright=True, step=16)
    images = (EncodedImage.open(str(DATA / f"{name}.jpg")).pixels(512) for name in NAMES)
    return np.concatenate([extractor.extract(image).descriptors for image in images])


def by_brute_force(rows: np.ndarray, words: np.ndarray, count: int) -> np.ndarray:
    distances = cdist(rows.astype(float), words.astype(float), "sqeuclidean")
    return np.argsort(np.rint(distances), axis=1, kind="stable")[:, :count]


@pytest.mark.parametrize("count", [1, 5])
def test_real_descriptors_mostly_get_their_nearest_words(count: int) -> None:
    every = descriptors()
    words, rows = every[::2], every[1::2]
    cells = WordCells.of(words)
    assert len(cells.cells) > 2 * word_cells._PROBES  # it is not all that is compared
    found = cells.nearest(rows, count)
    true = by_brute_force(rows, cells.words, count)
    assert found.shape == true.shape
    shared = [len(np.intersect1d(*pair)) / count for pair in zip(found, true, strict=True)]
    assert np.mean(shared) >= 0.92


@pytest.mark.parametrize("count", [1, 3])
def test_they_are_exact_when_all_cells_are_looked_into(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_cells, "_PROBES", 10_000)
    every = descriptors()[::2]
    cells = WordCells.of(every[::2])
    assert len(cells.words) > word_cells._FEW_WORDS
    rows = every[1::2]
    assert np.array_equal(cells.nearest(rows, count), by_brute_force(rows, cells.words, count))


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 40), st.just(3)), elements=st.integers(0, 4)),
    arrays(np.uint8, st.tuples(st.integers(0, 9), st.just(3)), elements=st.integers(0, 4)),
    st.integers(1, 50),
    st.sampled_from([0, 10_000]),
)
def test_equal_distances_go_to_the_lower_word(
    words: np.ndarray, rows: np.ndarray, count: int, few: int
) -> None:
    cells = WordCells.of(words)
    assert sorted(map(bytes, cells.words)) == sorted(map(bytes, words))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_cells, "_FEW_WORDS", few)
        patch.setattr(word_cells, "_PROBES", 10_000)
        found = cells.nearest(rows, count)
    assert np.array_equal(found, by_brute_force(rows, cells.words, count))


def test_each_word_lies_in_the_cell_that_is_nearest() -> None:
    words = descriptors()[::5]
    cells = WordCells.of(words)
    sizes = np.diff(cells.starts)
    assert sizes.sum() == len(words)
    assert sorted(map(bytes, cells.words)) == sorted(map(bytes, words))
    own = np.repeat(np.arange(len(sizes)), sizes)
    assert np.array_equal(own, by_brute_force(cells.words, cells.cells, 1)[:, 0])


def test_no_words_are_nearest_to_nothing() -> None:
    cells = WordCells.of(np.empty((0, 128), np.uint8))
    assert cells.nearest(descriptors()[:4], 3).shape == (4, 0)


def test_memory_does_not_grow_with_descriptors_times_cells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    words, rows = rng.integers(0, 256, (2, 3000, 8), np.uint8)
    cells = WordCells(words, words, np.arange(len(words) + 1, dtype=np.int32))
    expected = cells.nearest(rows, 2)
    monkeypatch.setattr(word_cells, "_BLOCK", 1 << 16)
    tracemalloc.start()
    found = cells.nearest(rows, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(found, expected) and peak < 5e6


def test_more_cells_than_places_are_told_apart_are_refused() -> None:
    words = np.zeros((1000, 3), np.uint8)
    starts = np.minimum(np.arange((1 << 16) + 2), 1000).astype(np.int32)
    cells = WordCells(words, np.zeros((len(starts) - 1, 3), np.uint8), starts)
    with pytest.raises(AssertionError):
        cells.nearest(words[:1])
