"""The ranking of distances against Python's sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.evaluation.ranking import ranking


@given(arrays(np.float64, st.integers(0, 80), elements=st.integers(-3, 9) | st.floats(0, 1)))
def test_equal_distances_are_in_row_order(distances: np.ndarray) -> None:
    expected = sorted(range(len(distances)), key=lambda row: (distances[row], row))
    assert ranking(distances).tolist() == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_rows_in_pairs(dtype: type) -> None:
    rng = np.random.default_rng(1)
    distances = np.tile(rng.random(3000), 2).astype(dtype)
    assert ranking(distances).tolist() == np.argsort(distances, kind="stable").tolist()


def test_what_is_no_number_comes_last() -> None:
    distances = np.array([np.nan, 2.0, np.inf, np.nan, -0.0, 0.0])
    assert ranking(distances).tolist() == [4, 5, 1, 2, 0, 3]
