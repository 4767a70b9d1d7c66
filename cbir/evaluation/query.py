"""An image that queries."""

from __future__ import annotations

from dataclasses import dataclass

from cbir.images.region import Region


@dataclass(frozen=True, slots=True)
class Query:
    """An image that queries, or a region of one.

    Attributes
    ----------
    path : str
        Opens from the current folder.
    topic : str
        What it is about, for the truth.
    sha256 : bytes
        Of the file.
    row : int or None
        Its row in the index, if its stored description is to be used.
    self_row : int or None
        The row of the index that is the very same file, if there is one.
    left_out : bool
        Whether that row is left out of the ranking.
    region : Region or None
        The part of it that queries; None: all. A part is described anew, whatever is stored.
    """

    path: str
    topic: str
    sha256: bytes
    row: int | None
    self_row: int | None
    left_out: bool
    region: Region | None = None


@dataclass(frozen=True, slots=True)
class Queries:
    """The images that query, with the name of how they were chosen."""

    protocol: str
    queries: tuple[Query, ...]
