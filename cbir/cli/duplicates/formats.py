"""How groups of duplicates, and the copies of queries, are printed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cbir.cli.output import ResultPrinter
from cbir.core.csv_lines import with_metadata
from cbir.core.errors import printable
from cbir.core.safe_paths import path_for_csv
from cbir.duplicates.documents import copies_document, duplicate_document, group_document
from cbir.duplicates.model import Duplicate, Group, QueryCopies
from cbir.search.results import path_fields

Finding = Group | QueryCopies

FORMATS = ("text", "json", "jsonl", "csv", "paths")

_GROUP_COLUMNS = "group role path distance level evidence losses path_base64".split()
_COPIES_COLUMNS = "query path distance level evidence losses path_base64 query_base64".split()


class Printer(ResultPrinter[Finding]):
    """Prints groups, or queries that have copies.

    Parameters
    ----------
    format_ : str
        One of :data:`FORMATS`.
    queries : sequence of str, optional
        The copies of these are printed, not groups. In the format ``paths`` no query is printed
        as the copy of another one, and no image twice.
    null : bool
        Print ``paths`` whatever the format is, and end each with NUL.
    metadata : sequence of str
        The columns of metadata that each image has.
    """

    def __init__(
        self,
        format_: str,
        queries: Iterable[str] | None = None,
        null: bool = False,
        metadata: Sequence[str] = (),
    ) -> None:
        super().__init__(format_, null)
        fixed = _GROUP_COLUMNS if queries is None else _COPIES_COLUMNS
        self.columns = with_metadata(fixed, metadata)
        self._metadata = metadata
        self._spared = {os.path.realpath(query) for query in queries or ()}

    def text(self, result: Finding) -> str:
        """Return the image that is kept, or the query, with a line a copy."""
        first = result.keep.path if isinstance(result, Group) else result.query
        copies = [printable(one.record.path) + _mark(one) for one in _duplicates(result)]
        return "\n".join([printable(first), *copies])

    def document(self, result: Finding) -> dict[str, Any]:
        """Return a group, or the matches of a query."""
        if isinstance(result, Group):
            return group_document(result)
        return copies_document(result)

    def rows(self, result: Finding) -> Iterator[list[Any]]:
        """Return a row an image of a group, or a copy."""
        rows = _group_rows(result) if isinstance(result, Group) else _copies_rows(result)
        copies = [one.record for one in _duplicates(result)]
        images = [result.keep, *copies] if isinstance(result, Group) else copies
        for row, image in zip(rows, images, strict=True):
            texts = dict(image.metadata)
            yield [*row, *(texts.get(name, "") for name in self._metadata)]

    def paths(self, result: Finding) -> Iterator[str]:
        """Return what could go.

        No reference, nothing that an image that is kept or a query links to, and nothing that
        shows more.
        """
        if isinstance(result, Group):
            self._spared.add(os.path.realpath(result.keep.path))
        for duplicate in _duplicates(result):
            path = duplicate.record.path
            real = os.path.realpath(path)
            if real in self._spared or not duplicate.removable:
                continue
            yield path
            if isinstance(result, QueryCopies):
                self._spared.add(real)


def _mark(duplicate: Duplicate) -> str:
    marks = ["reference"] if duplicate.record.reference else []
    if duplicate.losses:
        lost = printable("; ".join(map(str, duplicate.losses)))
        marks.append(f"shows more, and stays: {lost}" if duplicate.stays else f"shows more: {lost}")
    return f"  ({', '.join(marks)})" if marks else ""


def _duplicates(found: Finding) -> tuple[Duplicate, ...]:
    return found.duplicates if isinstance(found, Group) else found.copies


def _group_rows(group: Group) -> Iterator[list[Any]]:
    kept = path_fields("path", group.keep.path)
    path, encoded = path_for_csv(kept["path"]), kept.get("path_base64", "")
    yield [group.number, "keep", path, "", "", "", "", encoded]
    for duplicate in group.duplicates:
        yield [group.number, _role(duplicate), *_cells(duplicate)]


def _role(duplicate: Duplicate) -> str:
    if duplicate.record.reference:
        return "reference"
    return "shows_more" if duplicate.stays else "duplicate"


def _copies_rows(copies: QueryCopies) -> Iterator[list[Any]]:
    query = path_fields("query", copies.query)
    for duplicate in copies.copies:
        yield [path_for_csv(query["query"]), *_cells(duplicate), query.get("query_base64", "")]


def _cells(duplicate: Duplicate) -> list[Any]:
    document = duplicate_document(duplicate)
    document["path"] = path_for_csv(document["path"])
    document["losses"] = printable("; ".join(map(str, duplicate.losses)))
    keys = ("path", "distance", "level", "evidence", "losses", "path_base64")
    return [document.get(key, "") for key in keys]
