"""Re-ranking, by searches of real images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.search.stage_options import NO_RERANKING, RERANKINGS, Stages
from cbir.search.stages.reranking import Reranking
from cbir.search.stages.row_distances import distances_among


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> cbir.Index:
    cbir.index(str(photos), str(tmp_path / "index.csv"), ("hsv", "phash"))
    return cbir.open(str(tmp_path / "index.csv"))


@pytest.mark.parametrize("method", [one for one in RERANKINGS if one != NO_RERANKING])
@pytest.mark.parametrize("label", ["hsv", "hsv+phash"])
@pytest.mark.parametrize("candidates", [1, 3, 500])
def test_the_best_are_ranked_again_and_the_rest_follow(
    index: cbir.Index, method: str, label: str, candidates: int
) -> None:
    plain = index.searcher(label)
    stage = Reranking(plain, method, candidates)
    for row in range(len(index)):
        description = plain.indexed(row)
        eligible = np.arange(len(index)) != row
        before = plain.top_k(description, len(index), eligible=eligible)
        after = stage.top_k(description, len(index), eligible=eligible)
        best = {one.row for one in before[:candidates]}
        assert {one.row for one in after[:candidates]} == best
        assert after[candidates:] == before[candidates:]
        assert max(one.distance for one in after[:candidates]) <= before[:candidates][-1].distance


@pytest.mark.parametrize("method", [one for one in RERANKINGS if one != NO_RERANKING])
@pytest.mark.parametrize("expand", [None, 2])
def test_the_query_s_own_row_does_not_count(
    index: cbir.Index, method: str, expand: int | None
) -> None:
    """So that an evaluation, which leaves it out afterwards, sees what a search does."""
    searcher = index.searcher("hsv+phash", stages=Stages(expand, method))
    for row in range(len(index)):
        description = searcher.indexed(row)
        distances = searcher.distances(description)
        assert distances[row] == distances.min()
        others = searcher.top_k(description, 99, eligible=np.arange(len(index)) != row)
        assert [one.distance for one in others] == [distances[one.row] for one in others]


def test_a_search_says_that_it_was_re_ranked(index: cbir.Index, photos: Path) -> None:
    result = index.search(photos / "cats" / "cat-1.jpg", descriptor="hsv", rerank="diffusion")
    assert result.metric == "chi2, diffusion"
    assert "re-ranked by diffusion" in result.meaning
    assert result.matches[0].path.endswith("cat-1.jpg") and result.matches[0].distance == 0
    fused = index.search(photos / "cats" / "cat-1.jpg", descriptor="hsv+phash", rerank="diffusion")
    assert fused.matches[1].parts is not None and list(fused.matches[1].parts) == ["hsv", "phash"]
    assert index.search(photos / "cats" / "cat-1.jpg", rerank="diffusion", max_distance=0).matches


def test_distances_among_rows_are_those_of_the_query_s_weights(index: cbir.Index) -> None:
    fused = index.searcher("hsv+phash")
    description = fused.indexed(0)
    source = fused.source_for(description)
    rows = np.array([3, 0, 2])
    hsv, phash = (index.searcher(alias) for alias in ("hsv", "phash"))
    expected = sum(
        factor * np.array([one.distances(one.indexed(row))[rows] for row in rows])
        for factor, one in zip(source.factors, (hsv, phash), strict=True)
    )
    assert distances_among(fused, source, rows) == pytest.approx(expected, rel=1e-4)
    ranks = index.searcher("hsv+phash", fusion="ranks")
    expected = np.array([ranks.distances(ranks.indexed(row))[rows] for row in rows])
    found = distances_among(ranks, ranks.source_for(description), rows)
    assert found == pytest.approx(expected)
