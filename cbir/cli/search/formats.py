"""How results are printed: a table for people, JSON and CSV for programs, paths for shells."""

from __future__ import annotations

import json
from typing import Any

from cbir.cli.options import path_record, write_csv, write_out, write_text
from cbir.core.errors import printable
from cbir.core.safe_paths import path_for_csv
from cbir.search.results import SearchResult, distance_text, path_fields

_CSV_COLUMNS = "query descriptor metric rank path distance path_base64 query_base64".split()

FORMATS = ("table", "json", "jsonl", "csv", "paths")


class Printer:
    """Prints results one by one, as they come.

    Parameters
    ----------
    format_ : str
        One of :data:`FORMATS`.
    end : bytes
        What ends a path, in the format ``paths``.
    """

    def __init__(self, format_: str, end: bytes = b"\n") -> None:
        self._print = {
            "table": self._table,
            "json": self._json,
            "jsonl": self._jsonl,
            "csv": self._csv,
            "paths": self._paths,
        }[format_]
        self._format = format_
        self._end = end
        self._count = 0

    def print(self, result: SearchResult) -> None:
        """Print one result."""
        self._print(result)
        self._count += 1

    def finish(self) -> None:
        """Print what comes after the last result."""
        if self._format == "json":
            write_text("\n]" if self._count else "[]")

    def _table(self, result: SearchResult) -> None:
        if self._count:
            write_text("")
        how = f"{result.descriptor}, {result.metric}: {result.meaning}"
        write_text(f"{printable(result.query)}  ({how})")
        if not result.matches:
            write_text("  nothing found")
        width = len(str(len(result.matches)))
        for match in result.matches:
            write_text(
                f"  {match.rank:>{width}}  {distance_text(result.metric, match.distance):>8}"
                f"  {printable(match.shown)}"
            )

    def _json(self, result: SearchResult) -> None:
        opening = "[\n" if not self._count else ",\n"
        write_out((opening + _as_json(result)).encode())

    def _jsonl(self, result: SearchResult) -> None:
        write_text(_as_json(result))

    def _csv(self, result: SearchResult) -> None:
        query = path_fields("query", result.query)
        rows: list[list[Any]] = [] if self._count else [_CSV_COLUMNS]
        for match in result.matches:
            fields = path_fields("path", match.shown)
            rows.append(
                [
                    path_for_csv(query["query"]),
                    result.descriptor,
                    result.metric,
                    match.rank,
                    path_for_csv(fields["path"]),
                    repr(match.distance),
                    fields.get("path_base64", ""),
                    query.get("query_base64", ""),
                ]
            )
        write_csv(rows)

    def _paths(self, result: SearchResult) -> None:
        write_out(b"".join(path_record(match.shown, self._end) for match in result.matches))


def _as_json(result: SearchResult) -> str:
    return json.dumps(result.to_dict(), ensure_ascii=False)
