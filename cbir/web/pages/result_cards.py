"""Results as cards: what the API answers, in words, and with where each leads."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cbir.core.amounts import percent_text
from cbir.core.errors import printable
from cbir.images.oriented_image import Orientation
from cbir.search.results import distance_text
from cbir.web.pages.query_view import QueryView
from cbir.web.search_address import MARKS, SearchAddress, explanation_url
from cbir.web.wording import matching_text


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
    mark : str
        What it is marked as: ``like``, ``unlike`` or nothing.
    more, less : str
        Addresses: of the same search with it marked so; without the mark, if it is marked so.
    matching : str
        What was found where it was verified, in words; nothing, where nothing was.
    is_same : bool
        Whether that is the same thing.
    outline : str
        The corners of the part that shows it, in pixels of the upright image, as SVG has points.
    explanation : str
        The address of the page about what it has in common with the one image of the search, or
        with what is liked, if it was verified with that.
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
    mark: str
    more: str
    less: str
    matching: str = ""
    is_same: bool = False
    outline: str = ""
    explanation: str = ""


def result_cards(
    answer: Mapping[str, Any], query: QueryView | None, asked: SearchAddress
) -> tuple[ResultCard, ...]:
    """Return the cards of an answer of the API."""
    return tuple(_card(answer["metric"], match, query, asked) for match in answer["results"])


def _card(
    metric: str, match: Mapping[str, Any], query: QueryView | None, asked: SearchAddress
) -> ResultCard:
    path = _path(match)
    mark = next((mark for mark in MARKS if path in getattr(asked.form, mark)), "")
    more, less = (asked.marked(path, None if mark == one else one) for one in MARKS)
    example = _liked_example(match, asked)
    return ResultCard(
        rank=match["rank"],
        name=match["path"],
        thumbnail=match["thumbnail"],
        page=match["page"],
        like=asked.about(path=path),
        width=match["width"],
        height=match["height"],
        distance=distance_text(metric, match["distance"]),
        words=_words(match, query, mark),
        known=[(name, _known(value)) for name, value in match.get("metadata", {}).items()],
        parts=_parts(match),
        mark=mark,
        more=more,
        less=less,
        explanation=explanation_url(asked, path, example) if query or example else "",
        **_verified(match, example),
    )


def _liked_example(match: Mapping[str, Any], asked: SearchAddress) -> str | None:
    """Return what is liked if a result was verified with it, not with the one image."""
    found = match.get("verification", {})
    example = _path(found, "query") if "query" in found else None
    return None if example in (asked.path, asked.query) else example


def _verified(match: Mapping[str, Any], example: str | None) -> dict[str, Any]:
    found = match.get("verification")
    if found is None:
        return {}
    outline = " ".join(f"{x:.1f},{y:.1f}" for x, y in found["quadrilateral"])
    told = matching_text(found["inliers"], found["same"])
    return {
        "matching": told if example is None else f"{told}, with {printable(example)}",
        "is_same": found["same"],
        "outline": outline if found["same"] else "",
    }


def _path(told: Mapping[str, Any], name: str = "path") -> str:
    encoded = told.get(f"{name}_base64")
    return os.fsdecode(base64.b64decode(encoded)) if encoded else told[name]


def _words(match: Mapping[str, Any], query: QueryView | None, mark: str) -> str:
    if query is not None and match["sha256"] == query.sha256:
        return "the same file"
    if mark:
        return "marked"
    told = "no difference found" if match["distance"] == 0 else ""
    orientation = Orientation(**match["orientation"]) if "orientation" in match else Orientation()
    return ", ".join(filter(None, (told, str(orientation) if orientation.is_other else "")))


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
