"""Results as cards: what the API answers, in words, and with where each leads."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cbir.core.amounts import percent_text
from cbir.search.results import distance_text
from cbir.web.pages.query_view import QueryView
from cbir.web.search_address import SearchAddress


@dataclass(frozen=True, slots=True)
class Part:
    """What one descriptor of a fusion adds to a distance.

    Attributes
    ----------
    alias, distance, percent : str
        Its name, the distance by its own metric, and how much of the whole that makes.
    share : float
        The same, from 0 to 1.
    """

    alias: str
    distance: str
    percent: str
    share: float


@dataclass(frozen=True, slots=True)
class ResultCard:
    """An image that was found.

    Attributes
    ----------
    rank : int
    name : str
    thumbnail, page, like : str
        Addresses: of the small image, of the page about it, of the search for what is like it.
    width, height : int
    distance : str
        The number.
    words : str
        What can be said of it besides.
    known : sequence of (str, str)
        Columns of metadata, and what they say.
    parts : sequence of Part
        Of a fusion.
    """

    rank: int
    name: str
    thumbnail: str
    page: str
    like: str
    width: int
    height: int
    distance: str
    words: str
    known: Sequence[tuple[str, str]]
    parts: Sequence[Part]


def result_cards(
    answer: Mapping[str, Any], query: QueryView, asked: SearchAddress
) -> tuple[ResultCard, ...]:
    """Return the cards of an answer of the API."""
    metric = answer["metric"]
    return tuple(
        ResultCard(
            rank=match["rank"],
            name=match["path"],
            thumbnail=match["thumbnail"],
            page=match["page"],
            like=asked.about(path=_path(match)),
            width=match["width"],
            height=match["height"],
            distance=distance_text(metric, match["distance"]),
            words=_words(match, query),
            known=[(name, _known(value)) for name, value in match.get("metadata", {}).items()],
            parts=_parts(match),
        )
        for match in answer["results"]
    )


def _path(match: Mapping[str, Any]) -> str:
    encoded = match.get("path_base64")
    return os.fsdecode(base64.b64decode(encoded)) if encoded else match["path"]


def _words(match: Mapping[str, Any], query: QueryView) -> str:
    if match["sha256"] == query.sha256:
        return "the same file"
    return "no difference found" if match["distance"] == 0 else ""


def _known(value: Any) -> str:
    return "—" if value is None else f"{value}"


def _parts(match: Mapping[str, Any]) -> list[Part]:
    parts = match.get("parts", {})
    whole = sum(part["share"] for part in parts.values()) or 1.0
    return [
        Part(
            alias=alias,
            distance=f"{part['distance']:.4g}",
            percent=percent_text(part["share"] / whole),
            share=part["share"] / whole,
        )
        for alias, part in parts.items()
    ]
