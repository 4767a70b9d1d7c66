"""Many paths in little memory."""

from __future__ import annotations

import numpy as np

from cbir.stores.paths import PathList


def test_rows_of_paths_are_those_that_are_found_one_by_one() -> None:
    rng = np.random.default_rng(0)
    names = sorted({f"{number:03}" for number in rng.integers(0, 300, 200)})
    for _ in range(50):
        known = PathList.of(name for name in names if rng.random() < 0.6)
        asked = [name for name in names if rng.random() < 0.4]
        rows = [known.find(name) for name in asked]
        expected = [-1 if row is None else row for row in rows]
        assert known.rows_of(asked).tolist() == expected


def test_paths_are_equal_where_each_is() -> None:
    assert PathList.of(["a.jpg", "b.jpg"]) == PathList.of(["a.jpg", "b.jpg"])
    assert PathList.of(["a", "bc"]) != PathList.of(["ab", "c"])
    assert PathList.of(["a"]) != PathList.of(["a", "b"])
    assert PathList.of(["a"]) != ["a"]
