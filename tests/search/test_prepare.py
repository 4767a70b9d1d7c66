"""Loops are compiled ahead for large indexes, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import cbir
from cbir.core.machine_code import Loop
from cbir.search import prepare as preparing


def test_only_a_large_index_is_compiled_for(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = str(tmp_path / "index.csv")
    cbir.index(photos, index, ["hsv", "phash", "hog"])
    compiled: list[Loop] = []
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "nothing compiled"))
    monkeypatch.setattr(Loop, "compile", lambda self: compiled.append(self))
    preparing.prepare(index, is_new=True)
    assert compiled == []
    monkeypatch.setattr(preparing, "_WORTH_ROWS", 12)
    preparing.prepare(index, is_new=False)
    assert compiled == []
    preparing.prepare(index, is_new=True)
    assert [(loop.function.__name__, loop.arguments[1]) for loop in compiled] == [
        ("chi2", "uint8*"),
        ("add_up", "uint8*"),
        ("hamming", "uint64*"),
        ("euclidean", "uint8*"),
        ("add_up", "uint8*"),
    ]
