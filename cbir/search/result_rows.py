"""Results as rows of CSV: what the command line prints, and what pages let people download."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cbir.core.csv_lines import with_metadata
from cbir.core.safe_paths import path_for_csv
from cbir.search.results import SearchResult, path_fields

_COLUMNS = "query descriptor metric rank path distance path_base64 query_base64".split()


def result_columns(metadata: Sequence[str] = ()) -> list[str]:
    """Return the names of the columns; those of metadata come last.

    Parameters
    ----------
    metadata : sequence of str
        The columns of metadata that each match has.
    """
    return with_metadata(_COLUMNS, metadata)


def result_rows(result: SearchResult, metadata: Sequence[str] = ()) -> Iterator[list[Any]]:
    """Yield a row for each match; paths are safe in a spreadsheet.

    Parameters
    ----------
    result : SearchResult
    metadata : sequence of str
        The columns of metadata that each match has.
    """
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
            *(match.texts[name] for name in metadata),
        ]
