"""Evaluations of approximate searches, against what these searches return."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.core.progress import ProgressListener
from cbir.evaluation import measures
from cbir.evaluation.model import MEASURES, RECALLS
from cbir.evaluation.protocols import choose_queries
from cbir.evaluation.query import Queries
from cbir.evaluation.ranking import APPROXIMATE_TOP
from cbir.evaluation.relevance import Classes
from cbir.evaluation.runner import evaluate
from cbir.search.ann.source import ApproximateSource
from cbir.search.request import IndexedImage
from tests.search.ann.helpers import COUNT, write_index

CLASSES = 60


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("approximate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        cbir.optimize(write_index(folder, range(COUNT)), "colors+phash")
    return folder


@pytest.fixture
def index(written: Path, monkeypatch: pytest.MonkeyPatch) -> cbir.Index:
    monkeypatch.setenv("XDG_CACHE_HOME", str(written))
    return cbir.open(str(written / "index.csv"))


def class_of(path: str) -> str:
    return str(int(path[6:12]) % CLASSES)


@pytest.fixture
def truth(index: cbir.Index) -> Classes:
    return Classes("numbers", index.paths, lambda paths: [*map(class_of, paths)], {},
                   ProgressListener())  # fmt: skip


def some_queries(index: cbir.Index, truth: Classes) -> Queries:
    found = choose_queries(index, truth, "all")
    return Queries(found.protocol, found.queries[::500])


def highest_from(recall: float, precisions: np.ndarray, right: int) -> float:
    """The highest precision at a recall or beyond."""
    pairs = enumerate(precisions.tolist(), 1)
    return max((one for i, one in pairs if i / right >= recall - 1e-9), default=0.0)


@pytest.mark.parametrize("descriptor", ["colors", "colors+phash"])
def test_what_is_measured_is_what_a_search_finds(
    index: cbir.Index, truth: Classes, descriptor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def estimate(source: ApproximateSource, query: object) -> None:
        raise AssertionError("all images were looked at")

    monkeypatch.setattr(ApproximateSource, "estimate", estimate)
    queries = some_queries(index, truth)
    searcher = index.searcher(descriptor, approximate=True)
    (run,) = evaluate(index, truth, queries, [searcher]).runs
    assert run.metric.endswith(", approximate")
    curves = []
    for place, query in enumerate(queries.queries):
        assert query.row is not None
        path = index.paths[query.row]
        matches = index.search(
            IndexedImage(path), APPROXIMATE_TOP, descriptor=descriptor, approximate=True,
            exclude_self=True,
        ).matches  # fmt: skip
        right = [class_of(index.path_in_dataset(match)) == class_of(path) for match in matches]
        ranks = np.flatnonzero(right) + 1
        others = COUNT // CLASSES - 1
        precisions = np.arange(1, len(ranks) + 1) / ranks
        values = {name: run.scores.of(name)[place] for name in MEASURES}
        assert values["map"] == pytest.approx(precisions.sum() / others)
        assert values["precision@10"] == sum(right[:10]) / 10
        assert values["recall@100"] == pytest.approx(sum(right) / others)
        assert [hit.distance for hit in run.hits[place]] == [one.distance for one in matches[:10]]
        curves.append([highest_from(recall, precisions, others) for recall in RECALLS])
    np.testing.assert_allclose(run.curve, np.mean(curves, axis=0))


def test_an_exact_search_is_measured_to_its_end(index: cbir.Index, truth: Classes) -> None:
    queries = some_queries(index, truth)
    exact, approximate = (
        evaluate(index, truth, queries, [index.searcher("colors", approximate=some)]).runs[0]
        for some in (False, True)
    )
    assert exact.mean("map") > approximate.mean("map")
    assert exact.mean("precision@10") == pytest.approx(approximate.mean("precision@10"), abs=0.02)


def test_what_is_missed_counts_as_infinitely_far() -> None:
    gains, behind = np.array([1, 0, 2, 0]), np.zeros(10**6, int)
    missed = np.array([3, 1])
    found = dict(zip(MEASURES, measures.all_measures(gains, 4, missed), strict=True))
    far = dict(
        zip(
            MEASURES, measures.all_measures(np.concatenate([gains, behind, missed]), 4), strict=True
        )
    )
    for name, value in found.items():
        assert value == pytest.approx(far[name], abs=0.1 if name == "ndcg" else 1e-5), name
    best = sum(grade / np.log2(rank + 1) for rank, grade in enumerate([3, 2, 1, 1], 1))
    assert found["ndcg"] == pytest.approx((1 + 2 / np.log2(4)) / best)


def test_nothing_found_is_worth_nothing() -> None:
    values = measures.all_measures(np.zeros(5, int), 1, np.array([1]))
    assert dict(zip(MEASURES, values, strict=True)) == {
        name: 1.0 if name == "anmrr" else 0.0 for name in MEASURES
    }
    assert not measures.interpolated_precision(np.zeros(5, bool), 1).any()
