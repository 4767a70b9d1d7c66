"""Distances to several examples, against what is computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.search.examples.formulas import fed_back, soft_minimum

DISTANCES = st.floats(0.001, 1000)


def by_hand(distances: list[float]) -> float:
    return float(sum(d**-4 for d in distances) / len(distances)) ** -0.25


@given(arrays(float, (3, 5), elements=DISTANCES))
def test_the_soft_minimum_is_the_power_mean(distances: np.ndarray) -> None:
    expected = [by_hand(column.tolist()) for column in distances.T]
    assert soft_minimum(distances) == pytest.approx(expected)


@given(arrays(float, (3, 5), elements=st.floats(0, 1000)), st.floats(0.1, 1000))
def test_the_unit_of_the_distances_plays_no_part(distances: np.ndarray, factor: float) -> None:
    scaled = factor * soft_minimum(distances)
    assert soft_minimum(factor * distances) == pytest.approx(scaled, rel=1e-9, abs=1e-300)


@given(arrays(float, (3, 5), elements=st.floats(0, 1000)))
def test_the_soft_minimum_is_between_the_minimum_and_the_mean(distances: np.ndarray) -> None:
    found = soft_minimum(distances)
    assert (found >= distances.min(axis=0) * (1 - 1e-12)).all()
    assert (found <= distances.mean(axis=0) * (1 + 1e-12) + 1e-300).all()


def test_one_image_keeps_its_distances() -> None:
    distances = np.array([[0.0, 0.1, 3.7, np.inf, 1e-308, 1e308]])
    assert soft_minimum(distances).tolist() == distances[0].tolist()


@pytest.mark.filterwarnings("error")
def test_what_is_no_number_stays_so_and_spoils_no_other() -> None:
    distances = np.array([[np.nan, np.inf, 0.5, 1e-300], [1.0, 2.0, np.inf, 1e300]])
    found = soft_minimum(distances)
    assert np.isnan(found[0]) and found[1] >= 2.0
    assert found[2] == pytest.approx(0.5 * 2**0.25)
    assert found[3] == pytest.approx(1e-300 * 2**0.25)


@given(DISTANCES, DISTANCES)
def test_what_is_nearer_to_the_bad_goes_away(wanted: float, unwanted: float) -> None:
    found = float(fed_back(np.array([wanted]), np.array([unwanted]))[0])
    assert found == pytest.approx(wanted * min(wanted / unwanted, 100.0))


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0, 1))
def test_distances_grow_with_those_to_the_good_and_shrink_with_those_to_the_bad(
    wanted: float, unwanted: float, more: float
) -> None:
    found, farther, nearer = fed_back(
        np.array([wanted, wanted + more, wanted]), np.array([unwanted, unwanted, unwanted + more])
    )
    assert farther >= found * (1 - 1e-12)
    assert nearer <= found * (1 + 1e-12)


@pytest.mark.filterwarnings("error")
def test_feedback_on_what_is_equal_or_no_number_has_a_value() -> None:
    wanted = np.array([0.0, 0.0, 1.0, np.inf])
    unwanted = np.array([0.0, 1.0, 0.0, 1.0])
    assert fed_back(wanted, unwanted).tolist() == [0.0, 0.0, 100.0, np.inf]
