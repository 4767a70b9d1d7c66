"""How results are printed: a table for people, JSON and CSV for programs, paths for shells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cbir.cli.output import ResultPrinter
from cbir.core.errors import printable
from cbir.search.result_rows import result_columns, result_rows
from cbir.search.results import Match, SearchResult, distance_text
from cbir.stores.metadata import Value

_WIDEST = 40
"""Letters that a table shows of what is known about an image."""

_VERIFIED = ("inliers", "same", "box")
"""The columns of a table that tell what verification found."""

FORMATS = ("table", "json", "jsonl", "csv", "paths")


class Printer(ResultPrinter[SearchResult]):
    """Prints results in one of :data:`FORMATS`.

    Parameters
    ----------
    format_, null
        As :class:`ResultPrinter` takes them.
    metadata : sequence of str
        The columns of metadata that each match has.
    verified : bool
        Whether the matches were verified, and it is told what was found.
    oriented : bool
        Whether the query was turned, and CSV tells how, too.
    """

    def __init__(
        self,
        format_: str,
        null: bool = False,
        metadata: Sequence[str] = (),
        verified: bool = False,
        oriented: bool = False,
    ) -> None:
        super().__init__(format_, null)
        self._metadata = metadata
        self._verified = verified
        self._oriented = oriented
        self.columns = result_columns(metadata, verified, oriented)

    def text(self, result: SearchResult) -> str:
        """Return a table of the matches, and of the values that were counted."""
        how = f"{result.descriptor}, {result.metric}: {result.meaning}"
        lines = [f"{_asked(result)}  ({how})"]
        if not result.matches:
            lines.append("  nothing found")
        width = len(str(len(result.matches)))
        heads, metadata = self._padded(result)
        if heads and result.matches:
            lines.append(f"  {'':>{width}}  {'':>8}  {heads}".rstrip())
        for match, texts in zip(result.matches, metadata, strict=True):
            distance = distance_text(result.metric, match.distance)
            turned = match.orientation
            path = printable(match.shown) + (f"  ({turned})" if turned and turned.is_other else "")
            lines.append(f"  {match.rank:>{width}}  {distance:>8}  {texts}{path}")
        for column, counts in result.facets.items():
            lines += _facet(column, counts)
        return "\n".join(lines)

    def _padded(self, result: SearchResult) -> tuple[str, list[str]]:
        """Return the names of the columns, and what they say of each match, in equal widths."""
        rows = [
            [*(_VERIFIED if self._verified else ()), *map(_cut, self._metadata)],
            *(
                [
                    *(_found(match) if self._verified else ()),
                    *(_cut(match.texts[name]) for name in self._metadata),
                ]
                for match in result.matches
            ),
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        heads, *others = (
            "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=True))
            for row in rows
        )
        return heads, others

    def document(self, result: SearchResult) -> dict[str, Any]:
        """Return the query and its matches."""
        return result.to_dict()

    def rows(self, result: SearchResult) -> Iterator[list[Any]]:
        """Return a row a match."""
        return result_rows(result, self._metadata, self._verified, self._oriented)

    def paths(self, result: SearchResult) -> Iterator[str]:
        """Return the paths of the matches."""
        return (match.shown for match in result.matches)


def _found(match: Match) -> tuple[str, str, str]:
    found = match.verification
    if found is None:
        return "0", "no", ""
    return str(found.inliers), "yes" if found.is_same else "no", str(found.box)


def _asked(result: SearchResult) -> str:
    """Return what was searched for: the query, several of them, and what results are to be like."""
    queries = result.together or (result.query,)
    is_without = result.liked[:1] == queries
    told = [] if is_without else [" + ".join(map(printable, queries))]
    told += [] if result.region is None else [f"region {result.region}"]
    told += [f"like {printable(path)}" for path in result.liked]
    told += [f"unlike {printable(path)}" for path in result.unliked]
    return " ".join(told)


def _facet(column: str, counts: Mapping[Value, int]) -> Iterator[str]:
    yield f"  {printable(column)}:{'' if counts else ' nothing found'}"
    digits = max((len(f"{count:,}") for count in counts.values()), default=0)
    for value, count in counts.items():
        name = "(nothing)" if value is None else _cut(str(value))
        yield f"    {count:>{digits},}  {name}"


def _cut(text: str) -> str:
    """Return what a table shows of a text."""
    plain = printable(text)
    return plain if len(plain) <= _WIDEST else f"{plain[: _WIDEST - 1]}…"
