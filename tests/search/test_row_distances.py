"""Distances among rows, against those that searches give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.search import row_distances
from cbir.search.row_distances import RowDistances


@pytest.mark.parametrize("alias", ["hsv", "phash", "hog"])
@pytest.mark.parametrize("worth_keeping", [0, 1000])
@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_they_are_those_of_searches(
    alias: str,
    worth_keeping: int,
    budget: int,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_distances, "_WORTH_KEEPING", worth_keeping)
    cbir.index(str(photos), str(tmp_path / "index.csv"), ("hsv", "phash", "hog"))
    index = cbir.open(str(tmp_path / "index.csv"))
    searcher = index.single_searcher(alias)
    distances = RowDistances(searcher.source, index.vectors(alias), budget)
    for rows in (np.array([4, 0, 2]), np.array([2, 4]), np.array([1])):
        expected = [searcher.distances(searcher.indexed(row))[rows] for row in rows]
        assert distances.among(rows) == pytest.approx(np.array(expected), rel=1e-4, abs=1e-4)
