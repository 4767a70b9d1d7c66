from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from cbir.descriptors.encoders.sparse_code import CountKernel, SignatureKernel, SparseCode
from cbir.search import metrics
from cbir.search.candidates import top_k
from cbir.search.inverted import inverted_source, word_scoring
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.inverted_source import InvertedSource
from tests.search.inverted.helpers import IDF, KERNELS, code, distance, key, weighted

IMAGES = 40
KEYS = [key(number) for number in range(IMAGES)]
ENTRIES = {one: number for number, one in enumerate(KEYS)}


def filled(name: str, *folders: Path, run_bytes: int = 1 << 20) -> InvertedFile:
    kernel = KERNELS[name]
    inverted = InvertedFile(folders, kernel, "test", run_bytes)
    inverted.update(KEYS, lambda one: code(kernel, ENTRIES[one]), workers=1)
    return inverted


@pytest.mark.parametrize("name", KERNELS)
def test_distances_are_those_of_the_formulas(name: str) -> None:
    kernel = KERNELS[name]
    source = InvertedSource(filled(name), kernel, KEYS)
    for query in (code(kernel, 3), code(kernel, 1000), code(kernel, 5), weighted(kernel, 7)):
        expected = [distance(kernel, query, code(kernel, number)) for number in range(IMAGES)]
        # The root of a difference of nearly equal numbers has half of their digits.
        tolerance = 1e-7 if name == "euclidean" else 1e-9
        np.testing.assert_allclose(source.estimate(query), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", KERNELS)
def test_results_depend_on_neither_segments_nor_threads_nor_compilers(
    name: str, tmp_path: Path
) -> None:
    kernel = KERNELS[name]
    one = InvertedSource(filled(name), kernel, KEYS)
    many = InvertedSource(filled(name, tmp_path, run_bytes=500), kernel, KEYS)
    queries = [code(kernel, 3), code(kernel, 5), weighted(kernel, 1000)]
    expected = [one.estimate(query) for query in queries]
    for query, right in zip(queries, expected, strict=True):
        assert np.array_equal(many.estimate(query), right)
    with (
        mock.patch.object(inverted_source, "_WORTH_NUMBA", -1),
        mock.patch.object(inverted_source, "_WORTH_COMPILING", -1),
        mock.patch.object(inverted_source, "_WORTH_THREADS", -1),
    ):
        for source in (one, InvertedSource(filled(name), kernel, KEYS), many):
            source._last = None
            with ThreadPoolExecutor(3) as pool:
                found = list(pool.map(source.estimate, queries))
            assert all(map(np.array_equal, found, expected))
    with mock.patch.object(word_scoring, "_BLOCK", 7):
        assert np.array_equal(
            InvertedSource(filled(name), kernel, KEYS).estimate(queries[0]), expected[0]
        )


@pytest.mark.parametrize("name", [name for name in KERNELS if not KERNELS[name].repeated])
def test_an_equal_code_is_at_distance_0(name: str) -> None:
    kernel = KERNELS[name]
    source = InvertedSource(filled(name), kernel, KEYS)
    for number in range(IMAGES):
        assert source.estimate(code(kernel, number))[number] == 0


@pytest.mark.parametrize("name", ["chi2", "cosine", "manhattan", "euclidean"])
def test_bags_of_words_have_the_distances_of_dense_rows(name: str) -> None:
    kernel = CountKernel(IDF, metric=name)  # type: ignore[arg-type]
    inverted = InvertedFile([], kernel, "test")
    inverted.update(KEYS, lambda one: code(kernel, ENTRIES[one]))
    dense = np.zeros((IMAGES, len(IDF)))
    for number in range(IMAGES):
        one = code(kernel, number)
        dense[number, one.words] = one.payloads.view("<u2")[:, 0] * IDF[one.words].astype(float)
    there = np.flatnonzero(dense.any(axis=1))
    norms = np.linalg.norm(dense[there], 1 if name in ("chi2", "manhattan") else 2, axis=1)
    rows = dense[there] / norms[:, None]
    expected = metrics.get(name).between(rows[there.tolist().index(3)], rows)
    found = InvertedSource(inverted, kernel, KEYS).exact(code(kernel, 3), there)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


def test_rows_may_share_an_image_and_lack_one() -> None:
    kernel = KERNELS["asmk"]
    source = InvertedSource(filled("asmk"), kernel, [KEYS[3], key(-1), KEYS[8], KEYS[3]])
    found = source.estimate(code(kernel, 3))
    assert found[0] == found[3] == 0 < found[2] and found[1] == 1
    assert source.missing.tolist() == [1] and len(source) == 4
    assert [row for row, _ in top_k(source, code(kernel, 3), 2)] == [0, 3]


def test_rows_that_may_be_found_are_ranked_by_exact_distances() -> None:
    kernel = KERNELS["cosine"]
    source = InvertedSource(filled("cosine"), kernel, KEYS)
    query, eligible = code(kernel, 1000), np.arange(IMAGES) % 2 == 0
    expected = sorted(
        (distance(kernel, query, code(kernel, row)), row) for row in range(0, IMAGES, 2)
    )
    found = top_k(source, query, 5, eligible=eligible)
    assert [row for row, _ in found] == [row for _, row in expected[:5]]
    assert source.exact(query, np.array([2])) == source.estimate(query)[2]
    assert (
        source.within(query, 0.5).tolist() == np.flatnonzero(source.estimate(query) <= 0.5).tolist()
    )


def test_a_source_over_nothing_knows_no_row() -> None:
    kernel = KERNELS["asmk"]
    source = InvertedSource(InvertedFile([], kernel, "test"), kernel, KEYS[:2])
    assert source.estimate(code(kernel, 3)).tolist() == [1, 1]
    assert len(InvertedSource(filled("asmk"), kernel, []).estimate(code(kernel, 3))) == 0


def test_huge_weights_do_not_overflow() -> None:
    kernel = SignatureKernel(IDF, 64, repeated=True)
    words, payloads = np.full(5000, 7, np.uint16), np.zeros((5000, 8), np.uint8)
    inverted = InvertedFile([], kernel, "test")
    inverted.update([key(1)], lambda _: SparseCode(words, payloads))
    weights = np.full(5000, 1e30, np.float32)
    source = InvertedSource(inverted, kernel, [key(1)])
    assert source.estimate(SparseCode(words, payloads, weights)).tolist() == [0]


def test_a_query_of_another_vocabulary_is_refused() -> None:
    source = InvertedSource(filled("asmk"), KERNELS["asmk"], KEYS)
    wrong = SparseCode(np.array([60_000], np.uint16), np.zeros((1, 16), np.uint8))
    with pytest.raises(ValueError, match="there are 300 words"):
        source.estimate(wrong)
