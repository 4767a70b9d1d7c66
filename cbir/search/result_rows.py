"""Results as rows of CSV: what the command line prints, and what pages let people download."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cbir.core.csv_lines import with_metadata
from cbir.core.safe_paths import path_for_csv
from cbir.search.results import Match, SearchResult, path_fields

_COLUMNS = "query descriptor metric rank path distance path_base64 query_base64".split()


_VERIFIED_COLUMNS = "inliers score same box query_box verified_query".split()

_ORIENTED_COLUMNS = ["turned", "mirrored"]


def result_columns(
    metadata: Sequence[str] = (), verified: bool = False, oriented: bool = False
) -> list[str]:
    """Return the names of the columns; those of metadata come last.

    Parameters
    ----------
    metadata : sequence of str
        The columns of metadata that each match has.
    verified : bool
        Whether the matches were verified, and columns tell what was found.
    oriented : bool
        Whether columns tell how the query had to be turned.
    """
    columns = [*_COLUMNS, *(_VERIFIED_COLUMNS if verified else ())]
    return with_metadata([*columns, *(_ORIENTED_COLUMNS if oriented else ())], metadata)


def result_rows(
    result: SearchResult,
    metadata: Sequence[str] = (),
    verified: bool = False,
    oriented: bool = False,
) -> Iterator[list[Any]]:
    """Yield a row for each match; paths are safe in a spreadsheet.

    Parameters
    ----------
    result : SearchResult
    metadata : sequence of str
        The columns of metadata that each match has.
    verified : bool
        Whether the matches were verified, and columns tell what was found.
    oriented : bool
        Whether columns tell how the query had to be turned.
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
            *(_verification(result, match) if verified else ()),
            *(_orientation(match) if oriented else ()),
            *(match.texts[name] for name in metadata),
        ]


def _orientation(match: Match) -> list[Any]:
    """Return by how much the query is turned, clockwise, after it is mirrored or not."""
    found = match.orientation
    return ["", ""] if found is None else [found.turned, "yes" if found.mirrored else "no"]


def _verification(result: SearchResult, match: Match) -> list[Any]:
    """Return what was found, and with which image; a box as regions of queries are given."""
    found = match.verification
    if found is None:
        return [0, 0.0, "no", "", "", ""]
    same = "yes" if found.is_same else "no"
    query = path_for_csv(path_fields("query", result.example_of(match).path)["query"])
    return [found.inliers, repr(found.score), same, str(found.box), str(found.query_box), query]
