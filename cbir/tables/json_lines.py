"""Tables in JSON lines: an object a line, whose names are the columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from cbir.core.errors import CbirError, printable
from cbir.core.json_text import RepeatedNameError, parse_json
from cbir.tables.model import (
    BATCH,
    MAX_COLUMNS,
    Choose,
    Table,
    line_numbers,
    table_of,
    wanted_of,
)
from cbir.tables.source import Source
from cbir.tables.text_file import text_encoding, text_lines


def read_json_lines(source: Source, choose: Choose) -> Table:
    r"""Read a table from lines of JSON objects; what an object lacks is empty.

    Raises
    ------
    CbirError
        When a line is no object; it is named.

    Examples
    --------
    >>> from cbir.tables.model import Wanted
    >>> lines = b'{"id": 1, "tags": ["a", "b"]}\n{"id": 2, "price": 9.5}\n'
    >>> read_json_lines(Source("x.jsonl", "json", "x.jsonl", lines), Wanted).columns
    {'id': ['1', '2'], 'tags': ['["a", "b"]', ''], 'price': ['', '9.5']}
    """
    encoding, _ = text_encoding(source)
    header: dict[str, None] = {}
    for _, row in _objects(source, encoding):
        header.update(dict.fromkeys(row))
        if len(header) > MAX_COLUMNS:
            break
    wanted = wanted_of(source.name, list(header), choose)
    lines = line_numbers()
    batches = _batches(_objects(source, encoding), wanted.names, lines)
    return table_of(source.name, wanted, batches, lines=lines)


def _objects(source: Source, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each object and its line."""
    for number, line in enumerate(text_lines(source, encoding), 1):
        if not line.strip():
            continue
        try:
            row = parse_json(line, unique_names=True)
        except RepeatedNameError as error:
            raise CbirError(
                f"{printable(source.name)}: line {number:,}: {error}; rename one of them"
            ) from None
        except ValueError as error:
            raise _no_object(source, number, str(error)) from None
        if not isinstance(row, dict):
            raise _no_object(source, number, f"it begins with {printable(line.strip()[:20])}")
        yield number, row


def _no_object(source: Source, number: int, reason: str) -> CbirError:
    return CbirError(
        f"{printable(source.name)}: line {number:,} is no JSON object: {reason}; write each row as"
        ' one line, as in {"file": "cat.jpg", "price": 9.5}'
    )


def _batches(
    rows: Iterator[tuple[int, dict[str, Any]]], names: Sequence[str], lines: array[int]
) -> Iterator[list[list[Any]]]:
    while batch := list(islice(rows, BATCH)):
        lines.extend(number for number, _ in batch)
        yield [[row.get(name) for _, row in batch] for name in names]
