"""Query expansion, against means put together by hand."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cbir
from cbir.search.request import IndexedImage
from cbir.search.stage_options import Stages
from cbir.search.stages.expansion import ALPHA


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> cbir.Index:
    cbir.index(str(photos), str(tmp_path / "index.csv"), ("hsv", "phash"))
    return cbir.open(str(tmp_path / "index.csv"))


@pytest.mark.parametrize("label", ["hsv", "hsv+phash"])
@pytest.mark.parametrize("count", [1, 2, 1000])
def test_it_is_a_mean_weighted_by_similarity(index: cbir.Index, label: str, count: int) -> None:
    plain, expanded = index.searcher(label), index.searcher(label, stages=Stages(expand=count))
    for row in range(len(index)):
        description = plain.indexed(row)
        distances = plain.distances(description)
        order = [one for one in np.argsort(distances, kind="stable") if distances[one] > 0]
        total, weights = distances.copy(), 1.0
        for one in order[:count]:
            weight = max(1 - distances[one] / np.median(distances), 0) ** ALPHA
            total += weight * plain.distances(plain.indexed(int(one)))
            weights += weight
        total[distances == 0] = 0  # the image itself, and its copies
        assert expanded.distances(description) == pytest.approx(total / weights, rel=1e-5)
        top = expanded.top_k(description, 3)
        expected = np.argsort(expanded.distances(description), kind="stable")[:3]
        assert [one.row for one in top] == expected.tolist()


@pytest.mark.parametrize("label", ["asmk:words=16", "hsv", "correlogram", "hsv+phash", "fisher"])
def test_the_query_itself_and_its_copies_stay_first(
    photos: Path, tmp_path: Path, label: str
) -> None:
    """As files and as images of the index, by distances of every kind."""
    aliases = [spec.partition(":")[0] for spec in label.split("+")]
    queries = sorted(photos.glob("*/*.jpg"))[::5]
    for query in queries:
        shutil.copy(query, query.with_name(f"z {query.name}"))
    descriptors = dict.fromkeys([*label.split("+"), "asmk:words=16"])
    cbir.index(str(photos), str(tmp_path / "index.csv"), tuple(descriptors))
    index = cbir.open(str(tmp_path / "index.csv"))
    more: list[dict[str, Any]] = [{}, {"verify": 9}, {"rerank": "diffusion"}]
    for path, stages in product(queries, more):
        for query in (path, IndexedImage(str(path.relative_to(photos)))):
            result = index.search(query, 2, descriptor="+".join(aliases), expand=4, **stages)
            assert [one.distance for one in result.matches] == [0, 0]
            assert {Path(one.path) for one in result.matches} == {
                path,
                path.with_name(f"z {path.name}"),
            }


def test_only_what_may_be_found_expands(index: cbir.Index) -> None:
    plain, expanded = index.searcher("hsv"), index.searcher("hsv", stages=Stages(expand=1))
    description = plain.indexed(0)
    nobody = np.zeros(len(index), bool)
    source = expanded.source_for(description, nobody)
    everything = np.arange(len(index))
    assert np.array_equal(source.exact(description, everything), plain.distances(description))


def test_a_re_ranking_follows_an_expansion(index: cbir.Index, photos: Path) -> None:
    query = photos / "cats" / "cat-1.jpg"
    result = index.search(query, 99, descriptor="hsv+phash", expand=2, rerank="k-reciprocal")
    assert len(result.matches) == len(index)
    assert result.metric == "fused, expanded by 2, k-reciprocal"
    assert "best 2 results together" in result.meaning
    assert [match.distance for match in result.matches] == sorted(
        match.distance for match in result.matches
    )
