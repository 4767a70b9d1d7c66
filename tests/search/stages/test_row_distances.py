"""Distances among rows, against those that searches give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.search.stages.row_distances import RowDistances


@pytest.mark.parametrize("label", ["hsv", "phash", "hsv+phash"])
@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_they_are_those_of_searches(label: str, budget: int, photos: Path, tmp_path: Path) -> None:
    cbir.index(str(photos), str(tmp_path / "index.csv"), ("hsv", "phash"))
    searcher = cbir.open(str(tmp_path / "index.csv")).searcher(label)
    distances = RowDistances(searcher, budget)
    for rows in (np.array([4, 0, 2]), np.array([2, 4]), np.array([1])):
        expected = [searcher.distances(searcher.indexed(row))[rows] for row in rows]
        assert distances.among(rows) == pytest.approx(np.array(expected), rel=1e-4, abs=1e-4)
