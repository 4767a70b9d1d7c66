"""Tables in text files: values separated by commas, semicolons, tabs or vertical bars."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from cbir.core.amounts import counted
from cbir.core.errors import CbirError, printable
from cbir.tables.model import BATCH, Choose, Table, line_numbers, table_of, wanted_of
from cbir.tables.source import Source
from cbir.tables.text_file import text_encoding, text_lines

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""The first one wins where several would do."""

_SAMPLE = 100
"""Rows by which the separator is found out."""


def read_delimited(source: Source, choose: Choose) -> Table:
    r"""Read a table from text: a header, and a line a row, with quotes as in RFC 4180.

    Empty lines are skipped.

    Raises
    ------
    CbirError
        When it is no text, or a row has more or fewer cells than the header; the line is named.

    Examples
    --------
    >>> from cbir.tables.model import Wanted
    >>> source = Source("x.csv", "text", "x.csv", b'id;name\n1;"a;b"\n')
    >>> table = read_delimited(source, Wanted)
    >>> table.columns, table.note
    ({'id': ['1'], 'name': ['a;b']}, 'UTF-8, separated by semicolons')
    """
    encoding, encoding_name = text_encoding(source)
    separator = _separator(source, encoding)
    usual = (encoding_name, separator) == ("UTF-8", ",")
    note = "" if usual else f"{encoding_name}, separated by {_SEPARATORS[separator]}"
    name = printable(source.name)
    reader = csv.reader(text_lines(source, encoding), delimiter=separator, strict=True)
    try:
        header = next((row for row in reader if row), [])
        wanted = wanted_of(source.name, header, choose)
        places = [header.index(column) for column in wanted.names]
        lines = line_numbers()
        batches = _batches(_rows(name, reader, len(header), lines), places)
        return table_of(source.name, wanted, batches, note, lines)
    except csv.Error as error:
        raise CbirError(
            f"{name}: line {reader.line_num:,}: {error}; mend it: a cell with a separator, a quote"
            " or a line break in it stands in quotes, with its own quotes doubled"
        ) from None


def _separator(source: Source, encoding: str) -> str:
    """Return what gives most rows the width of the header, and of these the widest."""

    def fit(separator: str) -> tuple[float, int]:
        reader = csv.reader(text_lines(source, encoding), delimiter=separator)
        try:
            widths = [len(row) for row in islice(filter(None, reader), _SAMPLE)]
        except csv.Error:
            return 0, 0
        if not widths or widths[0] == 1:
            return 0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    return max(_SEPARATORS, key=fit)


def _rows(name: str, reader: Any, width: int, lines: array[int]) -> Iterator[list[str]]:
    """Yield the rows, and note the line at which each begins."""
    line = reader.line_num + 1
    for row in reader:
        if row and len(row) != width:
            raise CbirError(
                f"{name}: line {reader.line_num:,} has {counted(len(row), 'cell')}, and the header"
                f" has {width}; mend it: a cell with a separator in it stands in quotes"
            )
        if row:
            lines.append(line)
            yield row
        line = reader.line_num + 1


def _batches(rows: Iterator[list[str]], places: Sequence[int]) -> Iterator[list[list[str]]]:
    """Yield the cells at `places` of some rows at a time, by columns."""
    while batch := list(islice(rows, BATCH)):
        yield [[row[place] for row in batch] for place in places]
