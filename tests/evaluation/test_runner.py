"""Whole evaluations: of made-up distances, and of the sample images."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

import cbir
from cbir.core.errors import CbirError
from cbir.evaluation import MEASURES, choose_queries, evaluate, read_ground_truth
from cbir.evaluation.measures import interpolated_precision
from cbir.evaluation.model import Run
from tests.conftest import DATA
from tests.evaluation.conftest import Listener, MadeUp


def run_of(index: cbir.Index, searcher, protocol="all", truth="folders", **options) -> Run:
    read = read_ground_truth(truth, index.paths)
    queries = choose_queries(index, read, protocol, options.pop("folder", None))
    [run] = evaluate(index, read, queries, [searcher], **options).runs
    return run


def test_a_ranking_is_by_distance_then_by_path(index: cbir.Index, chance: MadeUp) -> None:
    run = run_of(index, chance)
    for row, hits in enumerate(run.hits):
        order = sorted((chance.matrix[row, other], other) for other in range(12) if other != row)
        assert [hit.path for hit in hits] == [index.shown(index.paths[i]) for _, i in order[:10]]
        assert [hit.distance for hit in hits] == [distance for distance, _ in order[:10]]
        same = os.path.dirname(run.queries[row])
        assert [hit.relevant for hit in hits] == [os.path.dirname(hit.path) == same for hit in hits]


def test_measures_are_those_of_each_ranking(index: cbir.Index, chance: MadeUp) -> None:
    run = run_of(index, chance)
    labels = np.array([os.path.dirname(path) for path in index.paths])
    assert run.labels == labels.tolist()
    curves = []
    for row in range(12):
        others = np.arange(12) != row
        right = (labels == labels[row])[others]
        found = run.scores.values["map"][row]
        if not right.any():
            assert np.isnan(found)
            continue
        # Ties are broken by path: the row is the last digit of the distance.
        distances = (chance.matrix[row] + np.arange(12) / 1000)[others]
        assert found == pytest.approx(average_precision_score(right, -distances))
        curves.append(interpolated_precision(right[np.argsort(distances)]))
    assert run.scores.counted == len(curves) == 3 + 2 + 2
    assert run.curve == pytest.approx(np.mean(curves, axis=0))
    assert set(run.scores.values) == set(MEASURES)


def test_the_number_of_threads_changes_nothing(index: cbir.Index, chance: MadeUp) -> None:
    one, many = run_of(index, chance, workers=1), run_of(index, chance, workers=8)
    assert one.queries == many.queries and one.hits == many.hits
    for name in MEASURES:
        assert np.array_equal(one.scores.values[name], many.scores.values[name], equal_nan=True)
    assert np.array_equal(one.curve, many.curve)


def test_a_perfect_search_is_perfect(index: cbir.Index) -> None:
    labels = np.array([os.path.dirname(path) for path in index.paths])
    perfect = MadeUp((labels[:, None] != labels).astype(float))
    run = run_of(index, perfect)
    assert run.mean("map") == run.mean("ndcg") == run.mean("precision@1") == 1
    assert run.mean("anmrr") == 0
    assert run.by_class("map") == {"cats": 1, "desert": 1, "things": 1}
    assert run.queries_by_class() == {"cats": 3, "desert": 2, "things": 2}


def test_a_query_of_ukbench_finds_itself_first(index: cbir.Index) -> None:
    run = run_of(index, MadeUp(1 - np.eye(12)), "ukbench", "groups:(.)")
    assert run.mean("precision@1") == 1
    assert len(run.hits) == 12
    assert [hits[0].path for hits in run.hits] == run.queries
    assert run.scores.values["ns_score"].min() >= 1
    # The query is no duplicate of itself.
    aside = run.scores_without_duplicates.values["ns_score"]
    assert np.array_equal(aside, run.scores.values["ns_score"])


def test_duplicates_are_set_aside(photos: Path, tmp_path: Path) -> None:
    shutil.copy(photos / "cats" / "cat-1.jpg", photos / "cats" / "cat-1-again.jpg")
    shutil.copy(photos / "forest" / "brook-1.jpg", photos / "forest" / "brook-again.jpg")
    shutil.copy(photos / "sky" / "galaxies-1.jpg", photos / "snow" / "copy.jpg")
    cbir.index(str(photos), str(tmp_path / "index.csv"))
    index = cbir.open(str(tmp_path / "index.csv"))
    run = run_of(index, index.searcher())
    names = [Path(query).name for query in run.queries]
    first = run.hits[names.index("cat-1.jpg")][0]
    assert Path(first.path).name == "cat-1-again.jpg" and first.relevant and first.distance == 0
    both = run.scores, run.scores_without_duplicates
    brook, snow = names.index("brook-1.jpg"), names.index("snow-forest-1.jpg")
    assert both[0].values["map"][brook] == 1
    assert np.isnan(both[1].values["map"][brook])
    assert (both[0].counted, both[1].counted) == (4 + 2 + 2 + 2 + 2, 4 + 2 + 2 + 2)
    # Neither right nor wrong: the copy of the sky in another folder is wrong for the sky alone.
    assert both[0].values["map"][snow] == both[1].values["map"][snow]
    # Of three other cats one is a copy: two are left to be found.
    cat = names.index("cat-1.jpg")
    found = [scores.values["recall@100"][cat] for scores in both]
    assert found == [1, 1]
    assert both[1].values["precision@100"][cat] == 0.02 < both[0].values["precision@100"][cat]


def test_the_largest_class_is_counted_without_duplicates_too(photos: Path, tmp_path: Path) -> None:
    (photos / "cats" / "cat-3.jpg").unlink()
    for name in ("cat-1", "cat-2"):
        shutil.copy(photos / "cats" / f"{name}.jpg", photos / "cats" / f"{name}-again.jpg")
    cbir.index(str(photos), str(tmp_path / "index.csv"))
    index = cbir.open(str(tmp_path / "index.csv"))
    cats = np.array([path.startswith("cats/") for path in index.paths])
    # Four others come first, then the cats, then the rest.
    distances = np.where(cats, 1.0, np.where(np.cumsum(~cats) <= 4, 0.0, 2.0))
    run = run_of(index, MadeUp(np.tile(distances, (len(index), 1))))
    # Of three right ones at ranks 5 to 7, K = 6: the last counts as 7.5.
    with_copy = ((5 + 6 + 7.5) / 3 - 2) / (7.5 - 2)
    assert run.scores.values["anmrr"][cats] == pytest.approx([with_copy] * 4)
    # Two are left in the largest class, so K = 4, and both are beyond it.
    assert run.scores_without_duplicates.values["anmrr"][cats].tolist() == [1.0] * 4


def test_images_of_a_folder_query_the_whole_index(
    index: cbir.Index, photos: Path, tmp_path: Path, listener: Listener
) -> None:
    folder = tmp_path / "mine" / "cats"
    folder.mkdir(parents=True)
    shutil.copy(photos / "cats" / "cat-2.jpg", folder / "copy.jpg")
    (folder / "broken.jpg").write_bytes(b"no image")
    run = run_of(index, index.searcher(), folder=str(tmp_path / "mine"), listener=listener)
    assert run.queries == [str(folder / "copy.jpg")]
    assert Path(run.hits[0][0].path).name == "cat-2.jpg"
    assert "broken.jpg" in listener.errors[0] and len(listener.errors) == 1
    assert run.scores.values["precision@100"][0] == 0.03
    assert run.scores_without_duplicates.values["precision@100"][0] == 0.02


def test_unreadable_queries_are_told_of_once_and_none_left_is_an_error(
    index: cbir.Index, chance: MadeUp, tmp_path: Path, photos: Path, listener: Listener
) -> None:
    folder = tmp_path / "mine" / "cats"
    folder.mkdir(parents=True)
    (folder / "broken.jpg").write_bytes(b"no image")
    truth = read_ground_truth("folders", index.paths)
    with pytest.raises(CbirError, match="none of the queries can be read"):
        run_of(index, chance, folder=str(tmp_path / "mine"))
    shutil.copy(photos / "cats" / "cat-2.jpg", folder / "fine.jpg")
    queries = choose_queries(index, truth, folder=str(tmp_path / "mine"))
    result = evaluate(index, truth, queries, [chance, index.searcher()], listener=listener)
    assert len(listener.errors) == 1
    assert [run.queries for run in result.runs] == [[str(folder / "fine.jpg")]] * 2


def test_grades_count_in_ndcg(index: cbir.Index, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("cat-1 0 cat-2 1\ncat-1 0 cat-3 3\ncat-1 0 cat-1 9\n")
    distances = MadeUp(np.tile(np.arange(12.0), (12, 1)))
    run = run_of(index, distances, truth=str(tmp_path / "qrels"))
    best = 3 + 1 / np.log2(3)
    assert run.mean("ndcg") == pytest.approx((1 + 3 / np.log2(3)) / best)
    assert run.mean("map") == 1
    assert run.labels == [None] and run.by_class("map") == {}


def test_runs_are_sorted_and_progress_is_told(index: cbir.Index, listener: Listener) -> None:
    labels = np.array([os.path.dirname(path) for path in index.paths])
    right = (labels[:, None] == labels).astype(float)
    searchers = [MadeUp(right, "worst"), MadeUp(-right, "best"), MadeUp(right, "also-worst")]
    truth = read_ground_truth("folders", index.paths)
    result = evaluate(index, truth, choose_queries(index, truth), searchers, listener=listener)
    assert [run.descriptor for run in result.runs] == ["best", "also-worst", "worst"]
    assert (result.images, result.queries, result.empty_queries) == (12, 7, 5)
    assert [left for _, left in listener.steps] == [0, 0, 0]
    difference = result.runs[0].compare(result.runs[2])
    assert difference.queries == 7 and difference.low > 0 and difference.p_value == 2 / 2**7


def test_the_sample_images_are_ranked_as_a_search_ranks_them(tmp_path: Path) -> None:
    cbir.index(str(DATA), str(tmp_path / "index.csv"), ["hsv", "phash"])
    index = cbir.open(str(tmp_path / "index.csv"))
    truth = read_ground_truth("folders", index.paths)
    queries = choose_queries(index, truth)
    searchers = [index.searcher("hsv"), index.searcher("phash")]
    result = evaluate(index, truth, queries, searchers, dataset="data")
    assert [(run.descriptor, run.metric) for run in result.runs] == [
        ("hsv", "chi2"),
        ("phash", "hamming"),
    ]
    for run in result.runs:
        for query, label, found in zip(
            run.queries, run.labels, run.scores.values["map"], strict=True
        ):
            if np.isnan(found):
                continue
            matches = index.search(
                query, top=len(index), descriptor=run.descriptor, exclude_self=True
            ).matches
            right = [Path(match.path).parent.name == label for match in matches]
            expected = average_precision_score(right, -np.arange(len(right)))
            assert found == pytest.approx(expected, abs=1e-12)
        assert run.ms_per_query > 0
    assert [run.bytes_per_image for run in result.runs] == [1536, 33]
    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert document["dataset"] == "data"
    assert document["runs"][0]["map"] == pytest.approx(
        np.nanmean(result.runs[0].scores.values["map"])
    )
