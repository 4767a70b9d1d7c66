"""Columns of a table, joined to the images that its keys mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cbir.core.errors import CbirError, UsageError, printable
from cbir.core.messages import Parameter, Part
from cbir.core.suggestions import did_you_mean
from cbir.descriptors.registry import RESERVED_COLUMNS
from cbir.stores.metadata import MetadataColumn
from cbir.tables.image_keys import find_key_column, image_key, key_form, match_keys
from cbir.tables.model import Table, Wanted
from cbir.tables.reading import read_table

LONGEST_NAME = 200
"""Characters of a column's name."""


@dataclass(frozen=True, slots=True)
class MetadataRequest:
    """Which table is to be joined; see :func:`cbir.index`.

    Attributes
    ----------
    source : str
        The file or the URL of a database.
    key : str or None
        The column that names the images; None: it is found out.
    table : str or None
        Of a database.
    columns : sequence of str
        Those to join, as ``NAME`` or ``NEW=NAME``; none: all but the key.
    """

    source: str
    key: str | None = None
    table: str | None = None
    columns: Sequence[str] = ()

    def read(self) -> Table:
        """Read what may be needed of the table.

        Raises
        ------
        CbirError
            When it cannot be read, or lacks a column.
        """

        def choose(header: Sequence[str]) -> Wanted:
            if self.key is not None:
                _check_known("key", self.key, header)
            columns = self.chosen(header)
            if self.key is not None:
                return Wanted([self.key, *columns.values()])
            return Wanted(list(columns.values()), [one for one in header if header.count(one) == 1])

        return read_table(self.source, choose, self.table)

    def chosen(self, header: Collection[str], key: str | None = None) -> dict[str, str]:
        """Return the columns to join, by their new names."""
        if not self.columns:
            return {name: name for name in header if name != key}
        chosen: dict[str, str] = {}
        for item in self.columns:
            new, renamed, old = item.partition("=")
            if item in header or not renamed:
                new = old = item
            _check_known("columns", old, header)
            if new in chosen:
                raise UsageError(
                    Parameter("columns"),
                    f": two would be called {printable(new)!r}; rename one, as in other=NAME",
                )
            chosen[new] = old
        return chosen


@dataclass(frozen=True, slots=True)
class MetadataReport:
    """What was joined.

    Attributes
    ----------
    source : str
        The table, for messages.
    key : str
        The column that names the images.
    form : str
        What of the images it names, in words.
    columns : tuple of str
        Those of the index that were joined.
    images : int
        Images with a row.
    images_without_row : tuple of str
        Their paths.
    rows_without_image : tuple of str
        Their keys.
    """

    source: str
    key: str
    form: str
    columns: tuple[str, ...]
    images: int
    images_without_row: tuple[str, ...]
    rows_without_image: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetadataJoin:
    """A table whose keys are matched with images.

    Attributes
    ----------
    table : Table
    key : str
        The column that names the images.
    form : str
        What of the images it names, in words.
    columns : mapping of str to str
        By the names that they get, the columns of the table.
    row_of : mapping of str to int
        The row of each image that has one, by path.
    keys : sequence of str
        Of all rows.
    """

    table: Table
    key: str
    form: str
    columns: Mapping[str, str]
    row_of: Mapping[str, int] = field(repr=False)
    keys: Sequence[str] = field(repr=False)

    def columns_of(self, paths: Sequence[str]) -> dict[str, MetadataColumn]:
        """Return the joined columns of some of the images, in their order."""
        rows = [self.row_of.get(path) for path in paths]
        return {
            new: MetadataColumn.of("" if row is None else cells[row] for row in rows)
            for new, cells in ((new, self.table.columns[old]) for new, old in self.columns.items())
        }

    def report(self, paths: Sequence[str]) -> MetadataReport:
        """Say what was joined to these images."""
        without = tuple(path for path in paths if path not in self.row_of)
        used = {self.keys[self.row_of[path]] for path in paths if path in self.row_of}
        return MetadataReport(
            self.table.name,
            self.key,
            self.form,
            tuple(self.columns),
            len(paths) - len(without),
            without,
            tuple(key for key in self.keys if key not in used),
        )


def join(request: MetadataRequest, table: Table, paths: Sequence[str]) -> MetadataJoin:
    """Match the keys of a table with images.

    Parameters
    ----------
    request : MetadataRequest
    table : Table
        What it read.
    paths : sequence of str
        Of the images.

    Raises
    ------
    CbirError
        When no key means an image, one means several, or one has two rows that contradict each
        other; or when a column cannot have the name that it would get.
    """
    name = printable(table.name)
    key = request.key or find_key_column(table.columns, paths, table.name)
    if key is None:
        raise CbirError(
            f"{name}: none of its columns names the images, which are called"
            f" {printable(paths[0])} and the like; it has: {printable(', '.join(table.columns))}"
        )
    (headed,) = {*match_keys({image_key(key)}, paths, table.name)} - {None} or {None}
    if headed is not None:
        raise CbirError(
            f"{name}: its first line is no header: it names the image {printable(headed)}; write"
            " one above it"
        )
    columns = request.chosen(table.columns, key)
    _check_names(table, columns)
    keys = [image_key(text) for text in table.columns[key]]
    first: dict[str, int] = {}
    for row, one in enumerate(keys):
        if one:
            first.setdefault(one, row)
    found = match_keys(first, paths, table.name)
    if not any(found):
        example = f"it has {printable(keys[0])!r}" if keys else "there are no rows"
        raise CbirError(
            f"{name}: the column {printable(key)} names none of the images, which are called"
            f" {printable(paths[0])} and the like; {example}",
            *_better_key(table, paths),
        )
    _check_unique(table, keys, first, set(found), columns)
    row_of = {path: first[one] for path, one in zip(paths, found, strict=True) if one}
    return MetadataJoin(table, key, key_form(paths, found), columns, row_of, keys)


def check_free(joined: MetadataJoin, taken: Mapping[str, str]) -> None:
    """Refuse columns with the names of a descriptor's.

    Parameters
    ----------
    joined : MetadataJoin
    taken : mapping of str to str
        The descriptor of each column that has one.

    Raises
    ------
    UsageError
    """
    for new, old in joined.columns.items():
        if new in taken:
            raise _unusable(joined.table, old, f"{taken[new]} has a column of this name")


def _better_key(table: Table, paths: Sequence[str]) -> list[Part]:
    """Return the end of a message: the column that names the images, if one does."""
    try:
        better = find_key_column(table.columns, paths, table.name)
    except UsageError:
        return []
    return ["; did you mean ", Parameter("key", better), "?"] if better is not None else []


def _check_known(parameter: str, column: str, header: Collection[str]) -> None:
    if column not in header:
        raise UsageError(
            Parameter(parameter),
            f" {printable(column)}: the table has no such column; it has:"
            f" {printable(', '.join(header))}{did_you_mean(column, header)}",
        )


def _check_names(table: Table, columns: Mapping[str, str]) -> None:
    for new, old in columns.items():
        if not new.strip():
            raise _unusable(table, old, "a column needs a name")
        if not new.isprintable():
            raise _unusable(table, old, "its name has characters that cannot be printed")
        if len(new) > LONGEST_NAME:
            raise _unusable(table, old, f"a name has at most {LONGEST_NAME} characters")
        if new in RESERVED_COLUMNS:
            raise _unusable(table, old, "the index has a column of this name")


def _unusable(table: Table, column: str, reason: str) -> UsageError:
    return UsageError(
        f"{printable(table.name)}: the column {printable(column)[:LONGEST_NAME]!r} cannot be"
        f" joined: {reason}; rename it, or choose others, with ",
        Parameter("columns", f"other={column}" if column.isprintable() else ...),
    )


def _check_unique(
    table: Table,
    keys: Sequence[str],
    first: Mapping[str, int],
    used: Collection[str | None],
    columns: Mapping[str, str],
) -> None:
    cells = [table.columns[old] for old in columns.values()]
    for row, key in enumerate(keys):
        other = first.get(key, row)
        if other != row and key in used and any(some[row] != some[other] for some in cells):
            raise CbirError(
                f"{printable(table.name)}: {table.place(other, row)} are both about"
                f" {printable(key)}, and differ; leave one of them"
            )
