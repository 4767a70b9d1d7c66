"""Arrays in files without names keep what is in them, also where their memory is released."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from cbir.core import mapped_arrays
from cbir.core.mapped_arrays import release, scratch_array, steps


@pytest.mark.parametrize("least", [0, 1 << 30])
def test_what_is_released_stays_as_it_is(
    least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped_arrays, "_WORTH_A_FILE", least)
    array = scratch_array((1000, 50), np.uint16, str(tmp_path))
    assert not array.any()
    expected = np.arange(50_000, dtype=np.uint16).reshape(1000, 50)
    for some in steps(1000, 7, [array]):
        array[some] = expected[some]
        release([array, array[3:].T])
    np.testing.assert_array_equal(array, expected)
    assert os.listdir(tmp_path) == []


def test_what_has_no_file_is_left_alone(tmp_path: Path) -> None:
    plain = np.arange(10)
    path = tmp_path / "array.npy"
    np.save(path, plain)
    changed = np.load(path, mmap_mode="c")
    changed[:] = 7
    release([plain, changed, np.load(path, mmap_mode="r")])
    assert plain.tolist() == list(range(10))
    assert (changed == 7).all()


def test_released_memory_is_not_resident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped_arrays, "STEP", 1 << 20)
    array = scratch_array((64, 1 << 20), np.uint8, str(tmp_path))
    before = resident()
    for some in steps(64, 1, [array]):
        array[some] = 1
    assert resident() - before < 8 << 20
    assert array[:, ::4096].all()


def resident() -> int:
    """Return the bytes that this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"(?i)too large|no space"):
        scratch_array((1 << 30, 1 << 30), np.uint8, str(tmp_path))
    assert os.listdir(tmp_path) == []
