"""What a single match predicts is compared with the similarity written out."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.verification.single_match import Tolerances, agreements


def by_hand(a: np.ndarray, b: np.ndarray, allowed: Tolerances, i: int, j: int) -> bool:
    scale = b[i, 2] / a[i, 2]
    turn = b[i, 3] - a[i, 3]
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    predicted = b[i, :2] + rotation @ (a[j, :2] - a[i, :2])
    second = allowed.place if allowed.second_place is None else allowed.second_place
    near = np.linalg.norm(predicted - b[j, :2]) < max(second, scale * allowed.place)
    other = np.exp(1j * (b[j, 3] - a[j, 3] - turn))
    turned = abs(np.angle(other)) < allowed.turn
    zoomed = abs(np.log(b[j, 2] / a[j, 2] / scale)) < allowed.zoom
    return bool(near and turned and zoomed)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 12), second=st.none() | st.floats(1, 60))
def test_each_hypothesis_agrees_as_by_hand(seed: int, count: int, second: float | None) -> None:
    rng = np.random.default_rng(seed)
    a, b = (
        np.column_stack(
            [rng.uniform(0, 90, (12, 2)), rng.uniform(3, 6, 12), rng.uniform(0, 2 * np.pi, 12)]
        )
        for _ in range(2)
    )
    b[:6, 3], b[:6, :2] = a[:6, 3], a[:6, :2]
    allowed = Tolerances(20, 0.6, 0.5, second)
    found = agreements(a, b, allowed, count)
    assert found.shape == (count, 12)
    for i, j in np.ndindex(found.shape):
        assert found[i, j] == by_hand(a, b, allowed, i, j)
