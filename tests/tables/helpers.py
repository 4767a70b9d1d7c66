"""Tables in files, made in tests."""

from __future__ import annotations

from collections.abc import Sequence

from cbir.tables.model import Wanted


def all_columns(header: Sequence[str]) -> Wanted:
    return Wanted(header)
