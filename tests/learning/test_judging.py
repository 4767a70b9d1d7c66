"""What is judged is what was held out, and is measured as an evaluation does."""

from __future__ import annotations

import numpy as np
import pytest

import cbir
from cbir.core.progress import ProgressListener
from cbir.evaluation import GroundTruth, choose_queries, evaluate
from cbir.learning.judging import Ranker, judged, ranker_of, scored
from cbir.learning.labeled_images import Places, labeled_images
from tests.learning.test_labeled_images import made_up


def test_scores_are_those_of_an_evaluation(index: cbir.Index, truth: GroundTruth) -> None:
    searcher = index.searcher("gist")
    (run,) = evaluate(index, truth, choose_queries(index, truth), [searcher]).runs
    topics = truth.topics(index.paths)
    numbers = {topic: number for number, topic in enumerate(dict.fromkeys(topics))}
    labels = np.array([numbers[topic] for topic in topics])
    distances = np.stack([searcher.distances(searcher.indexed(row)) for row in range(len(index))])
    precisions, averages = scored(distances, labels)
    assert np.array_equal(precisions, run.scores.of("precision@10"), equal_nan=True)
    assert np.array_equal(averages, run.scores.of("map"), equal_nan=True)


def test_images_are_ranked_as_the_index_ranks_them(index: cbir.Index, truth: GroundTruth) -> None:
    images = labeled_images(index, truth)
    searcher, places = index.searcher("gist+layout"), np.array([3, 9, 20])
    (_, middle, _) = ranker_of(searcher, images)(places)
    rows = images.rows[places]
    expected = searcher.distances(searcher.indexed(int(rows[1])))[rows]
    assert np.array_equal(middle, expected)


@pytest.mark.parametrize("workers", [1, 4])
def test_nothing_is_judged_by_what_it_was_learned_from(workers: int) -> None:
    images = made_up(*[12] * 8)
    learned: list[Places] = []

    def perfect(places: Places) -> np.ndarray:
        labels = images.labels[places]
        return (labels[:, None] != labels).astype(float)

    def learn(places: Places) -> Ranker:
        learned.append(places)

        def ranker(held_out: Places) -> np.ndarray:
            assert not np.isin(held_out, places).any()
            return perfect(held_out)

        return ranker

    def backwards(places: Places) -> np.ndarray:
        return 1 - perfect(places)

    by_images, by_classes = judged(images, backwards, learn, workers, ProgressListener())
    assert len(learned) == by_images.splits + by_classes.splits == 5
    for one in (by_images, by_classes):
        found = one.comparisons["map"]
        assert one.queries == 96 and one.helps and found.after == 1 and found.before < 0.3
        assert found.difference.mean == pytest.approx(1 - found.before)


def test_what_changes_nothing_does_not_help() -> None:
    images = made_up(*[12] * 8)

    def chance(places: Places) -> np.ndarray:
        return np.random.default_rng(4).random((len(places), len(places)))

    for one in judged(images, chance, lambda _: chance, 1, ProgressListener()):
        assert one.helps is None and one.to_dict()["measures"]["map"]["difference"] == 0


def test_without_anything_to_find_there_is_no_mean() -> None:
    images = made_up(1, 1, 1)

    def equal(places: Places) -> np.ndarray:
        return np.zeros((len(places), len(places)))

    (one,) = judged(images, equal, lambda _: equal, 1, ProgressListener())
    found = one.to_dict()
    assert found["queries"] == 0 and found["measures"]["map"]["before"] is None
