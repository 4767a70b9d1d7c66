"""What an evaluation is made of."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cbir.evaluation.model import CUTOFFS, MEASURES, Evaluation, Hit, Run
from cbir.evaluation.scores import Scores

NAN = float("nan")


def scores(values: list[float]) -> Scores:
    column = np.array(values)
    return Scores(dict.fromkeys(MEASURES, column))


def run(values: list[float], name: str = "hsv", aside: list[float] | None = None) -> Run:
    queries = [f"{number}.jpg" for number in range(len(values))]
    labels = ["b", "a", None, "b", "c"][: len(values)]
    hits = [[Hit("x.jpg", 0.5, True)] for _ in values]
    both = scores(values), scores(aside or values)
    return Run(name, "chi2", queries, labels, *both, np.zeros(101), hits, 1.5, 1536)


def test_queries_without_anything_to_find_are_left_out() -> None:
    one = run([0.5, 0.25, 1.0, 0.0, NAN])
    assert one.mean("map") == 0.4375
    assert one.scores.counted == 4
    assert one.by_class("map") == {"a": 0.25, "b": 0.25}
    assert one.queries_by_class() == {"a": 1, "b": 2}
    low, high = one.interval("map")
    assert 0 <= low < 0.4375 < high <= 1


def test_the_worst_queries_come_first_and_equal_ones_in_order() -> None:
    one = run([0.5, 0.25, 0.25, 0.0, NAN])
    assert one.worst(3) == [3, 1, 2]
    assert one.worst(99, "anmrr") == [0, 1, 2, 3]


def test_runs_are_compared_on_the_queries_that_both_have() -> None:
    longer, shorter = run([1.0, 0.5, 0.5, 0.75, 0.0]), run([0.5, 0.5, NAN])
    difference = longer.compare(shorter)
    assert (difference.queries, difference.mean) == (2, 0.25)
    assert shorter.compare(longer).mean == -0.25


def test_the_document_is_that_of_the_documentation() -> None:
    evaluation = Evaluation("data", 9, "all", "folders", [run([0.5, 0.25, 1.0, 0.0, NAN])])
    document = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert (document["dataset"], document["queries"], document["empty_queries"]) == ("data", 4, 1)
    [one] = document["runs"]
    assert list(one)[:4] == ["descriptor", "metric", "queries", "map"]
    cutoffs = [str(cutoff) for cutoff in CUTOFFS]
    assert list(one["precision"]) == list(one["recall"]) == cutoffs
    for name in ("map", "trapezoidal_map", "ns_score", "anmrr", "ndcg"):
        assert one[name] == one["without_duplicates"][name] == 0.4375
        assert len(one["intervals"][name]) == 2
    assert one["classes"]["b"] == {"queries": 2, "map": 0.25, "precision": {"10": 0.25}}
    assert (one["ms_per_query"], one["bytes_per_image"]) == (1.5, 1536)


@pytest.mark.parametrize("values", [[NAN, NAN], []])
def test_no_query_that_counts_has_no_means(values: list[float]) -> None:
    document = run(values).to_dict()
    assert document["queries"] == 0 and document["map"] is None
    assert document["intervals"]["precision"]["10"] == [None, None]
    json.dumps(document, allow_nan=False)
