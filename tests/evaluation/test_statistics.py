"""Intervals of means and paired tests, against their definitions and scipy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from cbir.evaluation.statistics import bootstrap_intervals, paired_difference


def test_an_interval_is_that_of_a_normal_mean() -> None:
    values = np.random.default_rng(1).random((3, 400))
    for (low, high), one in zip(bootstrap_intervals(values), values, strict=True):
        error = stats.sem(one)
        expected = stats.norm.interval(0.95, one.mean(), error)
        assert (low, high) == pytest.approx(expected, abs=0.2 * error)


def test_intervals_hold_the_true_mean_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    values = rng.beta(0.5, 0.5, (300, 60))  # as skewed to both ends as average precisions are
    low, high = bootstrap_intervals(values).T
    assert 0.90 <= np.mean((low <= 0.5) & (high >= 0.5)) <= 0.98


def test_an_interval_does_not_depend_on_the_measures_beside_it() -> None:
    values = np.random.default_rng(1).random((3, 50))
    together = bootstrap_intervals(values)
    alone = np.concatenate([bootstrap_intervals(one[None]) for one in values])
    assert np.allclose(together, alone, rtol=0, atol=1e-15)
    assert (together == bootstrap_intervals(values)).all()


@pytest.mark.parametrize("values", [[0.25], [0.25] * 9])
def test_values_without_spread_have_an_interval_without_width(values: list[float]) -> None:
    assert bootstrap_intervals(np.array([values])).tolist() == [[0.25, 0.25]]


def test_no_query_has_no_interval() -> None:
    assert np.isnan(bootstrap_intervals(np.empty((2, 0)))).all()
    nothing = paired_difference(np.empty(0), np.empty(0))
    assert nothing.queries == 0 and np.isnan(nothing.mean) and nothing.p_value == 1


def test_the_p_value_of_few_queries_counts_all_changes_of_signs() -> None:
    differences = np.array([0.3, -0.1, 0.2, 0.4, 0.05, 0.0, 0.15])
    signs = np.array(list(itertools.product([1, -1], repeat=len(differences))))
    means = (signs * differences).mean(axis=1)
    expected = np.mean(np.abs(means) >= abs(differences.mean()) - 1e-12)
    found = paired_difference(differences, np.zeros_like(differences))
    assert found.p_value == pytest.approx(expected, abs=1e-12)


def test_the_p_value_of_many_queries_is_near_that_of_the_t_test() -> None:
    rng = np.random.default_rng(5)
    first, second = rng.random(200) + 0.05, rng.random(200)
    found = paired_difference(first, second)
    assert found.p_value == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.02)
    assert found.low < np.mean(first - second) < found.high


def test_exchanging_the_runs_turns_the_difference() -> None:
    rng = np.random.default_rng(6)
    first, second = rng.random(80), rng.random(80)
    one, other = paired_difference(first, second), paired_difference(second, first)
    assert one.p_value == other.p_value
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_runs_that_are_equal_do_not_differ() -> None:
    same = paired_difference(np.ones(30), np.ones(30))
    assert (same.mean, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_queries_that_count_in_one_run_only_are_left_out() -> None:
    nan = np.nan
    found = paired_difference(np.array([1.0, nan, 0.5, 0.5]), np.array([0.5, 1.0, nan, 0.0]))
    assert (found.queries, found.mean) == (2, 0.5)
