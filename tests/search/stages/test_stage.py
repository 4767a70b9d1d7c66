"""Sources of which some rows have other distances, against arrays put together by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cbir.search.candidates import Distances, RowNumbers, ScannedSource, top_k
from cbir.search.stages.stage import StagedSource

ROWS = 200


class Given(ScannedSource[str]):
    """Rows at given distances, which are estimated a little wrong."""

    def __init__(self, distances: Distances) -> None:
        self._distances = distances

    def __len__(self) -> int:
        return len(self._distances)

    def estimate(self, query: str) -> NDArray[np.float64]:
        return self._distances + 1e-3 * np.sin(np.arange(ROWS))

    def exact(self, query: str, rows: RowNumbers) -> Distances:
        return self._distances[rows]

    def tolerance(self, query: str, distance: float) -> float:
        return 2e-3


@pytest.mark.parametrize("k", [1, 3, 10, 20, 120, 200])
@pytest.mark.parametrize("filtered", [False, True])
def test_rows_of_a_stage_come_first_and_others_follow_in_their_order(
    k: int, filtered: bool
) -> None:
    rng = np.random.default_rng(4)
    distances = np.round(rng.random(ROWS), 2)
    eligible = rng.random(ROWS) < 0.7 if filtered else np.ones(ROWS, bool)
    nearest = [row for row in np.argsort(distances, kind="stable") if eligible[row]][:10]
    after = rng.permutation(np.linspace(0, distances[nearest].max() - 0.005, 10))
    source = StagedSource(Given(distances), np.array(nearest), after)
    expected = distances.copy()
    expected[nearest] = after
    order = [int(row) for row in np.argsort(expected, kind="stable") if eligible[row]]
    ranked = top_k(source, "query", k, None, eligible)
    assert ranked == [(row, expected[row]) for row in order[:k]]
    limit = float(expected[order[15]])
    within = source.within("query", limit, eligible)
    assert within.tolist() == [
        row for row in range(ROWS) if row in order and expected[row] <= limit
    ]
    assert np.array_equal(source.exact("query", np.arange(ROWS)), expected)
    assert len(source) == ROWS


def test_a_stage_may_look_at_nothing() -> None:
    distances = np.linspace(0, 1, ROWS)
    source = StagedSource(Given(distances), np.array([], np.intp), np.array([]))
    assert np.array_equal(source.exact("query", np.arange(ROWS)), distances)
    assert top_k(source, "query", 2) == [(0, 0.0), (1, distances[1])]
