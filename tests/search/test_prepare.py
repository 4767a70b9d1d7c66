"""Kernels are compiled ahead for large indexes, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.search import prepare as preparing
from cbir.search.exact import kernels


def test_only_a_large_index_is_compiled_for(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = str(tmp_path / "index.csv")
    cbir.index(photos, index, ["hsv", "phash", "hog"])
    compiled: list[tuple[str, np.dtype]] = []
    monkeypatch.setattr(kernels, "compile_for", lambda *kernel: compiled.append(kernel))
    preparing.prepare(index, is_new=True)
    assert compiled == []
    monkeypatch.setattr(preparing, "_WORTH_ROWS", 12)
    preparing.prepare(index, is_new=False)
    assert compiled == []
    preparing.prepare(index, is_new=True)
    assert [(metric, dtype.str) for metric, dtype in compiled] == [
        ("chi2", "|u1"),
        ("euclidean", "|u1"),
    ]
