"""What is derived from a matrix is computed once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cbir.stores.cache import Cache, clear_others


def test_derived_arrays_are_kept(tmp_path: Path) -> None:
    calls = []

    def build() -> dict[str, np.ndarray]:
        calls.append(1)
        return {"a": np.arange(5), "empty": np.zeros(0, np.uint8)}

    for _ in range(2):
        arrays = Cache([tmp_path], "content").derive("fingerprint", "name", build)
        assert np.array_equal(arrays["a"], np.arange(5)) and arrays["empty"].shape == (0,)
    assert len(calls) == 1


def test_a_cache_belongs_to_one_content(tmp_path: Path) -> None:
    Cache([tmp_path], "one").derive("f", "n", lambda: {"a": np.arange(1)})
    other = Cache([tmp_path], "two").derive("f", "n", lambda: {"a": np.arange(2)})
    assert len(other["a"]) == 2
    clear_others([tmp_path], "two")
    assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == ["two"]
