"""What a table is once it is read, and the limits that keep a hostile one from doing harm."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cbir.core.cell_text import cell_text
from cbir.core.errors import CbirError, UsageError, printable

MAX_BYTES = 1 << 28
"""A file of text may have no more; ten million images need that."""

MAX_COLUMNS = 2000
MAX_CELLS = 50_000_000
"""Cells of all columns that are read."""

MAX_CELL = 1 << 17
"""Characters of a cell."""

MAX_TEXT = 1 << 31
"""Characters of all cells that are read."""

MAX_SECONDS = 300
"""A database may take no longer for one table."""

BATCH = 5000
"""Rows that are read at a time."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of text.

    Attributes
    ----------
    name : str
        What it was read from, for messages; without a password.
    columns : mapping of str to list of str
        All of one length.
    note : str
        How the file was read where that was found out and might be wrong, else nothing.
    lines : sequence of int
        The line at which each row begins, if it is a file of text; else empty.
    """

    name: str
    columns: Mapping[str, list[str]]
    note: str = ""
    lines: Sequence[int] = field(default=(), repr=False)

    def place(self, *rows: int) -> str:
        """Say where rows are, of which the first is 0.

        Examples
        --------
        >>> columns = {"a": ["x", "y"]}
        >>> Table("x.csv", columns, lines=[2, 3]).place(1), Table("x.db", columns).place(0, 1)
        ('line 3', 'rows 1 and 2')
        """
        return _place(self.lines, *rows)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns of a table are to be read.

    Attributes
    ----------
    columns : sequence of str
    if_text : sequence of str
        These too, unless what is in them cannot be text.
    """

    columns: Sequence[str]
    if_text: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """All of them, each once."""
        return list(dict.fromkeys([*self.columns, *self.if_text]))


Choose = Callable[[Sequence[str]], Wanted]
"""Says by the names of all columns which are to be read, before any row is."""


def wanted_of(name: str, header: Sequence[str], choose: Choose) -> Wanted:
    """Return which columns are to be read.

    Raises
    ------
    CbirError
        When there are too many columns, or none.
    UsageError
        When it is not clear which one a name means.
    """
    if not header:
        raise CbirError(f"{printable(name)}: the table is empty: it needs a header and rows")
    if len(header) > MAX_COLUMNS:
        raise CbirError(
            f"{printable(name)}: {len(header):,} columns; more than {MAX_COLUMNS:,} are not read"
        )
    wanted = choose(header)
    for column in wanted.names:
        if header.count(column) > 1:
            raise UsageError(
                f"{printable(name)}: {header.count(column)} columns are called"
                f" {printable(column)!r}; rename all but one there, or leave them out"
            )
    return wanted


def table_of(
    name: str,
    wanted: Wanted,
    batches: Iterable[Sequence[Sequence[Any]]],
    note: str = "",
    lines: Sequence[int] = (),
) -> Table:
    """Make a table of its values, some rows at a time.

    Parameters
    ----------
    name : str
    wanted : Wanted
    batches : iterable of sequences
        Each has for each wanted column, in the order of `wanted.names`, the values of the next
        rows.
    note : str
    lines : sequence of int
        The lines of the rows so far, if it is a file of text: the batches make it longer.

    Raises
    ------
    CbirError
        When a value cannot be text, or it is more than the limits allow.

    Examples
    --------
    >>> table_of("x", Wanted(["a", "b"]), [[(1, 2), (None, 0.5)], [(3,), (True,)]]).columns
    {'a': ['1', '2', '3'], 'b': ['', '0.5', 'true']}
    """
    columns: dict[str, list[str]] = {column: [] for column in wanted.names}
    names, rows, size = list(columns), 0, 0
    for batch in batches:
        count = len(batch[0]) if batch else 0
        if (rows + count) * len(names) > MAX_CELLS:
            raise too_large(name)
        for column, values in zip(names, batch, strict=True):
            if column not in columns:
                continue
            try:
                texts = _texts(values)
            except _CellError as error:
                if column in wanted.columns:
                    place = _place(lines, rows + error.place)
                    raise CbirError(
                        f"{printable(name)}: {place}, column {printable(column)}: {error};"
                        " mend it, or leave this column out"
                    ) from None
                del columns[column]
                continue
            size += sum(map(len, texts))
            columns[column] += texts
        rows += count
        if size > MAX_TEXT:
            raise too_large(name)
    return Table(name, columns, note, lines)


def line_numbers() -> array[int]:
    """Return an empty list of lines, which takes little memory for many."""
    return array("I")


def _place(lines: Sequence[int], *rows: int) -> str:
    what = ("line" if lines else "row") + "s" * (len(rows) > 1)
    numbers = [f"{lines[row] if lines else row + 1:,}" for row in rows]
    return f"{what} {' and '.join(numbers)}"


def too_large(name: str) -> CbirError:
    """Return the error on a table that is larger than the limits allow."""
    return CbirError(
        f"{printable(name)}: the table is too large: more than {MAX_CELLS:,} cells or"
        f" {MAX_TEXT:,} characters; leave out rows or columns"
    )


class _CellError(ValueError):
    """A value that cannot be the text of a cell, and its place among the others."""

    def __init__(self, reason: str, place: int) -> None:
        super().__init__(reason)
        self.place = place


def _texts(values: Sequence[Any]) -> list[str]:
    try:
        all_text = set(map(type, values)) == {str}
        texts = list(values if all_text else map(cell_text, values))
        joined = "".join(texts)
        joined.encode()
        if "\0" not in joined and max(map(len, texts), default=0) <= MAX_CELL:
            return texts
    except ValueError:
        pass
    for place, value in enumerate(values):
        try:
            _check_text(cell_text(value))
        except ValueError as error:
            raise _CellError(str(error), place) from None
    raise AssertionError


def _check_text(text: str) -> None:
    if len(text) > MAX_CELL:
        raise ValueError(f"more than {MAX_CELL:,} characters")
    if "\0" in text:
        raise ValueError("a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half a character, which no file in UTF-8 can have") from None
