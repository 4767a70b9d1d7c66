"""Distances among a query and its results, against those that the whole inverted file gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cbir
from cbir.search.inverted import stored_codes as module
from cbir.search.inverted.inverted_source import InvertedSource
from cbir.search.inverted.local_searcher import LocalSearcher
from cbir.search.inverted.stored_codes import stored_codes
from cbir.search.stages.reranking import Reranking

FEATURES = "features=orb,count=200,words=60"


@pytest.fixture(params=["asmk", "hamming_embedding", "bovw"])
def searcher(request: pytest.FixtureRequest, photos: Path, tmp_path: Path) -> LocalSearcher:
    """Of photographs, one of them twice, and of two images without features."""
    shutil.copy(photos / "cats" / "cat-1.jpg", photos / "copy.jpg")
    for color in ("black", "white"):
        Image.new("RGB", (90, 70), color).save(photos / f"{color}.png")
    path = str(tmp_path / "index.csv")
    cbir.index(str(photos), path, f"{request.param}:{FEATURES}")
    found = cbir.open(path).single_searcher()
    assert isinstance(found, LocalSearcher)
    return found


def keys_of(searcher: LocalSearcher) -> np.ndarray:
    return np.frombuffer(searcher._hashes.tobytes(), np.uint8).reshape(-1, 32)


@pytest.mark.parametrize("block", [7, 1 << 22])
def test_stored_codes_are_those_that_were_encoded(
    searcher: LocalSearcher, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    rows = np.random.default_rng(0).permutation(len(searcher._hashes))
    for some in (rows, rows[:3], rows[:0]):
        codes = stored_codes(searcher.inverted, keys_of(searcher)[some])
        assert len(codes) == len(some)
        for row, code in zip(some.tolist(), codes, strict=True):
            expected = searcher._descriptor.encode(searcher.features(row))
            assert np.array_equal(code.words, expected.words)
            assert np.array_equal(code.payloads, expected.payloads)


def test_all_distances_are_by_the_codes_of_the_index(searcher: LocalSearcher) -> None:
    keys, rows = keys_of(searcher), np.array([5, 0, 9, 3])
    whole = InvertedSource(searcher.inverted, searcher._kernel, keys)
    query = searcher.indexed(7)
    found = searcher.distances_around(query, rows)
    assert np.array_equal(searcher.row_distances.among(rows), found[1:, 1:])
    everything = np.array([7, *rows])
    expected = np.array(
        [whole.estimate(searcher.indexed(row).own)[everything] for row in everything.tolist()]
    )
    own = 1 - np.diag(expected)[:, None]
    assert found == pytest.approx(searcher.source.scaled(expected, own), abs=1e-6)
    assert (np.diag(found) == 0).all()


def test_images_without_features_are_far_from_each_other(searcher: LocalSearcher) -> None:
    paths = list(searcher._snapshot.rows.paths)
    black, white = (paths.index(f"{color}.png") for color in ("black", "white"))
    found = searcher.distances_around(searcher.indexed(black), np.array([white, 0]))
    assert found == pytest.approx(1 - np.eye(3))


@pytest.mark.parametrize("method", ["k-reciprocal", "diffusion"])
def test_results_of_local_features_are_ranked_again(searcher: LocalSearcher, method: str) -> None:
    stage = Reranking(searcher, method, 6)
    for row in range(0, len(searcher._hashes), 3):
        description = searcher.indexed(row)
        before, after = (one.top_k(description, 99) for one in (searcher, stage))
        assert after[0].distance == 0
        assert {one.row for one in after[:6]} == {one.row for one in before[:6]}
        assert after[6:] == before[6:]
