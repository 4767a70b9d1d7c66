"""How results are printed: a table for people, JSON and CSV for programs, paths for shells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cbir.cli.output import ResultPrinter
from cbir.core.errors import printable
from cbir.core.safe_paths import path_for_csv
from cbir.search.results import SearchResult, distance_text, path_fields

FORMATS = ("table", "json", "jsonl", "csv", "paths")


class Printer(ResultPrinter[SearchResult]):
    """Prints results in one of :data:`FORMATS`."""

    columns = "query descriptor metric rank path distance path_base64 query_base64".split()

    def text(self, result: SearchResult) -> str:
        """Return a table of the matches."""
        how = f"{result.descriptor}, {result.metric}: {result.meaning}"
        lines = [f"{printable(result.query)}  ({how})"]
        if not result.matches:
            lines.append("  nothing found")
        width = len(str(len(result.matches)))
        for match in result.matches:
            distance = distance_text(result.metric, match.distance)
            lines.append(f"  {match.rank:>{width}}  {distance:>8}  {printable(match.shown)}")
        return "\n".join(lines)

    def document(self, result: SearchResult) -> dict[str, Any]:
        """Return the query and its matches."""
        return result.to_dict()

    def rows(self, result: SearchResult) -> Iterator[list[Any]]:
        """Return a row a match."""
        query = path_fields("query", result.query)
        for match in result.matches:
            fields = path_fields("path", match.shown)
            yield [
                path_for_csv(query["query"]),
                result.descriptor,
                result.metric,
                match.rank,
                path_for_csv(fields["path"]),
                repr(match.distance),
                fields.get("path_base64", ""),
                query.get("query_base64", ""),
            ]

    def paths(self, result: SearchResult) -> Iterator[str]:
        """Return the paths of the matches."""
        return (match.shown for match in result.matches)
