"""What verification does to distances: promises that hold for any of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.search.stages.verified_ranking import verified_distances
from cbir.verification.spatial_matching import SAME_THING

DISTANCES = arrays(np.float64, 9, elements=st.floats(0, 100))
SCORES = arrays(np.float64, 9, elements=st.just(0.0) | st.floats(0, 500))


@given(distances=DISTANCES, scores=SCORES)
def test_no_distance_grows_or_gets_below_0(distances: np.ndarray, scores: np.ndarray) -> None:
    after = verified_distances(distances, scores)
    assert (after <= distances * (1 + 1e-12)).all() and (after >= 0).all()
    assert (after[scores == 0] == distances[scores == 0]).all()


@given(distances=DISTANCES, scores=SCORES)
def test_what_is_verified_comes_before_all_that_is_without_evidence(
    distances: np.ndarray, scores: np.ndarray
) -> None:
    after = verified_distances(distances, scores)
    plain = after[(scores == 0) & (distances > 1e-9)]
    assert not len(plain) or (after[scores >= SAME_THING] < plain.min()).all()


@given(distances=DISTANCES, scores=SCORES, more=st.floats(0, 50), which=st.integers(0, 8))
def test_more_evidence_brings_an_image_no_farther(
    distances: np.ndarray, scores: np.ndarray, more: float, which: int
) -> None:
    scores[0], distances[0] = 0, 1  # the nearest that is not verified stays what it is
    if which == 0:
        return
    before = verified_distances(distances, scores)
    scores[which] = scores[which] + more
    after = verified_distances(distances, scores)
    order = (before < before[which]).sum(), (after < after[which]).sum()
    assert order[1] <= order[0]


def test_little_evidence_moves_little_and_without_a_jump() -> None:
    distances = np.array([0.1, 0.5])
    scores = np.linspace(0, 3 * SAME_THING, 3001)
    after = np.array([verified_distances(distances, np.array([0, one]))[1] for one in scores])
    assert (np.diff(after) <= 0).all() and np.diff(after).min() > -2e-3
    assert after[scores <= SAME_THING / 4].min() > 0.49


def test_nothing_is_ranked() -> None:
    assert len(verified_distances(np.empty(0), np.empty(0))) == 0
