"""Measures of a ranking, against scikit-learn, hand-computed cases and plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from cbir.evaluation import measures
from cbir.evaluation.model import CUTOFFS, MEASURES

RANKINGS = st.lists(st.booleans(), min_size=1, max_size=60).filter(any).map(np.array)
GRADES = st.lists(st.integers(0, 4), min_size=2, max_size=60).filter(any).map(np.array)


def ranking(*ranks: int, size: int = 20) -> np.ndarray:
    """Right ones at some ranks, from 1."""
    relevant = np.zeros(size, bool)
    relevant[np.array(ranks) - 1] = True
    return relevant


def falling(size: int) -> np.ndarray:
    return -np.arange(size, dtype=float)


@given(RANKINGS)
def test_average_precision_is_that_of_scikit_learn(relevant: np.ndarray) -> None:
    expected = average_precision_score(relevant, falling(len(relevant)))
    assert measures.average_precision(relevant) == pytest.approx(expected, abs=1e-12)


@given(GRADES)
def test_ndcg_is_that_of_scikit_learn(gains: np.ndarray) -> None:
    expected = ndcg_score(gains[None], falling(len(gains))[None])
    assert measures.ndcg(gains) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        # Each trapezoid: the precision before the right one, and at it, over two.
        ([1], (1 + 1) / 2),
        ([2], (0 + 1 / 2) / 2),
        ([10], (0 + 1 / 10) / 2),
        ([1, 3], ((1 + 1) / 2 + (1 / 2 + 2 / 3) / 2) / 2),
        ([2, 3, 7], ((0 + 1 / 2) / 2 + (1 / 2 + 2 / 3) / 2 + (2 / 6 + 3 / 7) / 2) / 3),
    ],
)
def test_the_trapezoids_of_holidays(ranks: list[int], expected: float) -> None:
    found = measures.trapezoidal_average_precision(ranking(*ranks))
    assert found == pytest.approx(expected, abs=1e-15)


@given(RANKINGS)
def test_trapezoids_are_the_area_below_the_line_of_precision_and_recall(
    relevant: np.ndarray,
) -> None:
    recalls = np.concatenate([[0], np.cumsum(relevant) / relevant.sum()])
    precisions = np.concatenate([[1], np.cumsum(relevant) / np.arange(1, len(relevant) + 1)])
    area = np.trapezoid(precisions, recalls)
    assert measures.trapezoidal_average_precision(relevant) == pytest.approx(area, abs=1e-12)
    assert area <= measures.average_precision(relevant) + 1e-12


@pytest.mark.parametrize(
    ("ranks", "largest", "expected"),
    [
        # K = min(4 * 1, 2 * 1) = 2; MRR = rank - 1; over 1.25 * 2 - 1.
        ([1], 1, 0.0),
        ([2], 1, 1 / 1.5),
        ([3], 1, (2.5 - 1) / 1.5),
        # K = min(4 * 2, 2 * 10) = 8: rank 9 counts as 10.
        ([1, 8], 10, ((1 + 8) / 2 - 1.5) / (10 - 1.5)),
        ([1, 9], 10, ((1 + 10) / 2 - 1.5) / (10 - 1.5)),
        ([9, 12], 10, 1.0),
        # K = min(4 * 3, 2 * 3) = 6: ranks 7 and 20 count as 7.5.
        ([2, 7, 20], 3, ((2 + 7.5 + 7.5) / 3 - 2) / (7.5 - 2)),
    ],
)
def test_the_retrieval_rank_of_mpeg7(ranks: list[int], largest: int, expected: float) -> None:
    assert measures.nmrr(ranking(*ranks), largest) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("ranks", "score"), [([1, 2, 3, 4], 4), ([1], 1), ([1, 4, 5, 6], 2), ([5, 6, 7, 8], 0)]
)
def test_the_score_of_ukbench_counts_the_first_four(ranks: list[int], score: float) -> None:
    assert measures.ns_score(ranking(*ranks)) == score


@given(RANKINGS, st.sampled_from(CUTOFFS))
def test_precision_and_recall_are_shares(relevant: np.ndarray, cutoff: int) -> None:
    right = sum(bool(one) for one in relevant.tolist()[:cutoff])
    assert measures.precision(relevant, cutoff) == right / cutoff
    assert measures.recall(relevant, cutoff) == right / sum(relevant.tolist())
    assert measures.precision(relevant, 1) == relevant[0]


@given(RANKINGS)
def test_the_curve_is_the_best_precision_at_a_recall_or_beyond(relevant: np.ndarray) -> None:
    found = np.cumsum(relevant).tolist()
    total = found[-1]
    for percent, precision in enumerate(measures.interpolated_precision(relevant).tolist()):
        assert precision == max(
            right / rank
            for rank, right in enumerate(found, 1)
            if right * 100 >= percent * total and right
        )


@given(st.integers(1, 40), st.integers(0, 200), st.integers(0, 40))
def test_a_perfect_ranking_is_perfect(right: int, wrong: int, more: int) -> None:
    gains = np.repeat([1, 0], [right, wrong])
    values = dict(zip(MEASURES, measures.all_measures(gains, right + more), strict=True))
    for name in ("map", "trapezoidal_map", "precision@1", "ndcg"):
        assert values[name] == 1
    assert values["anmrr"] == 0
    assert values["ns_score"] == min(right, 4)
    assert values["recall@100"] == min(1, 100 / right)
    assert (measures.interpolated_precision(gains > 0) == 1).all()


@given(GRADES, st.data())
def test_a_right_one_that_moves_up_makes_nothing_worse(
    gains: np.ndarray, data: st.DataObject
) -> None:
    right = data.draw(st.sampled_from(np.flatnonzero(gains).tolist()))
    worse = [row for row in range(right) if gains[row] < gains[right]]
    if not worse:
        return
    better = gains.copy()
    other = data.draw(st.sampled_from(worse))
    better[[other, right]] = better[[right, other]]
    largest = int((gains > 0).sum())
    before, after = (measures.all_measures(one, largest) for one in (gains, better))
    for name, old, new in zip(MEASURES, before, after, strict=True):
        assert old - 1e-12 <= new if name != "anmrr" else new <= old + 1e-12


@given(GRADES)
def test_wrong_ones_at_the_end_change_nothing(gains: np.ndarray) -> None:
    longer = np.concatenate([gains, np.zeros(7, gains.dtype)])
    largest = int((gains > 0).sum())
    assert measures.all_measures(longer, largest) == measures.all_measures(gains, largest)


@given(GRADES, st.integers(0, 30))
def test_every_measure_is_within_its_range(gains: np.ndarray, more: int) -> None:
    largest = int((gains > 0).sum()) + more
    values = dict(zip(MEASURES, measures.all_measures(gains, largest), strict=True))
    assert all(math.isfinite(value) for value in values.values())
    assert 0 <= values.pop("ns_score") <= 4
    assert all(0 <= value <= 1 + 1e-12 for value in values.values())
