"""Archives of arrays: what is damaged, too large or no array is told, and never unpacked."""

from __future__ import annotations

import os
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cbir.core.npz import load_arrays


def test_arrays_come_back_as_they_were_saved(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6, dtype=np.int16).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "empty": np.zeros((0, 7), np.uint8),
        "text": np.array("shipped"),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    read = load_arrays(str(tmp_path / "a.npz"))
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype and np.array_equal(read[name], array)


def test_an_archive_is_refused_by_its_stated_size_before_it_is_unpacked(tmp_path: Path) -> None:
    """A file of 4 MB can take 4 GB."""
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(50_000_000, np.uint8))
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(ValueError, match="would take 50 MB, at most 10 MB are expected"):
        load_arrays(str(path), 10_000_000)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_an_array_that_states_more_than_there_is_is_refused(tmp_path: Path) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (4000000000,), }"
    header += b" " * (117 - len(header)) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00\x76\x00" + header + b"few")
    with pytest.raises(ValueError, match="not as long as it says"):
        load_arrays(str(tmp_path / "a.npz"))


def test_objects_are_refused_without_advice_to_trust_them(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.array([{}], object))
    np.save(tmp_path / "b.npy", np.array([{}], object))
    for name, reason in (("a.npz", "Python objects"), ("b.npy", "not a sound .npz file")):
        with pytest.raises(ValueError, match=reason) as caught:
            load_arrays(str(tmp_path / name))
        assert "pickle" not in str(caught.value)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is a folder"):
        load_arrays(str(tmp_path))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(ValueError, match="no regular file"):
            load_arrays(str(tmp_path / "fifo"))
