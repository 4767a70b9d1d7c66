"""Learning what each descriptor of a fusion counts."""

from __future__ import annotations

import numpy as np
import pytest

import cbir
from cbir.core.errors import UsageError
from cbir.evaluation import GroundTruth
from cbir.learning.fusion_weights import best_weights, learn_weights
from cbir.search.fusion.formulas import WeightedSum

LABELS = np.repeat(np.arange(6), 10)


def parts(*noises: float) -> np.ndarray:
    """Return distances that tell classes apart but for a noise."""
    random = np.random.default_rng(8)
    apart = (LABELS[:, None] != LABELS).astype(np.float32)
    return np.stack([apart + noise * random.random(apart.shape) for noise in noises]).astype("f4")


def test_what_tells_nothing_counts_little() -> None:
    good, bad = best_weights(parts(0.5, 1e3), LABELS)
    assert good == 1 and bad <= 0.125


def test_equals_stay_equal() -> None:
    assert best_weights(parts(0.5, 0.5), LABELS) == (1, 1)


def test_chance_changes_no_weights() -> None:
    random = np.random.default_rng(3).random((3, 60, 60)).astype(np.float32)
    assert best_weights(random, LABELS) == (1, 1, 1)


def test_no_weights_on_the_way_are_better_by_more_than_chance() -> None:
    found = best_weights(parts(2, 4, 8), LABELS)
    assert max(found) == found[0] == 1 and found[0] > found[2]


def test_they_are_judged_beside_equal_weights(index: cbir.Index, truth: GroundTruth) -> None:
    first, second = (learn_weights(index, "hsv+gist", truth, workers=n) for n in (1, 3))
    assert first == second
    assert list(first.weights) == ["hsv", "gist"] and max(first.weights.values()) == 1
    searcher = index.searcher("hsv+gist", weights=first.weights)
    assert isinstance(searcher.source_for(searcher.indexed(0)), WeightedSum)
    assert [one.held_out for one in first.judgments] == ["images", "classes"]
    assert first.to_dict()["judgments"][0]["queries"] > 50


def test_one_descriptor_has_no_weights(index: cbir.Index, truth: GroundTruth) -> None:
    with pytest.raises(UsageError, match="weights are for several descriptors"):
        learn_weights(index, "gist", truth)
