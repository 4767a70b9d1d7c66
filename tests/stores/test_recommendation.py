"""Parquet is recommended where a CSV is a burden, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cbir.stores.recommendation import BURDEN, recommend_parquet


def sized(path: Path, size: int) -> str:
    path.touch()
    os.truncate(path, size)
    return str(path)


def test_a_large_csv_is_told_what_would_be_better(tmp_path: Path) -> None:
    index = sized(tmp_path / "my index.csv", BURDEN)
    message = recommend_parquet(index)
    assert f"cbir.convert('{index}', '{tmp_path}/my index.parquet')" in str(message)
    assert "100 MB" in str(message) and "pyarrow" not in str(message)


@pytest.mark.parametrize(("name", "size"), [("a.csv", BURDEN - 1), ("a.parquet", 2 * BURDEN)])
def test_others_are_told_nothing(tmp_path: Path, name: str, size: int) -> None:
    assert recommend_parquet(sized(tmp_path / name, size)) is None


def test_where_pyarrow_is_missing_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cbir.core.optional_packages.find_spec", lambda name: None)
    message = recommend_parquet(sized(tmp_path / "a.csv", BURDEN))
    assert str(message).endswith("pyarrow; install it: pip install 'cbir[parquet]'")
