"""CSV as the commands and the pages write it: lines that every reader takes for the same cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    r"""Return rows as CSV, lines ended by a line feed.

    The writer quotes a carriage return only if that is part of its own line ends; readers take a
    bare one for the end of a line.

    Examples
    --------
    >>> csv_lines([["path", "rank"], ["a\rb.jpg", 1]])
    'path,rank\n"a\rb.jpg",1\n'
    """
    lines = []
    for row in rows:
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(row)
        lines.append(line.getvalue()[: -len("\r\n")] + "\n")
    return "".join(lines)


def with_metadata(columns: Sequence[str], metadata: Sequence[str]) -> list[str]:
    """Return the columns of CSV with those of metadata behind them, each with another name.

    Examples
    --------
    >>> with_metadata(["rank", "path"], ["price", "rank"])
    ['rank', 'path', 'price', 'metadata_rank']
    """
    named = list(columns)
    for name in metadata:
        while name in named:
            name = f"metadata_{name}"
        named.append(name)
    return named
