"""Groups of duplicates as pages show them: by the addresses of their images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cbir.core.amounts import size_text
from cbir.core.errors import printable
from cbir.duplicates.model import Duplicate, Group, ImageRecord
from cbir.images.pixels import fitted_size
from cbir.reports.image_card import (
    WORKING_SIZE,
    Contrast,
    CopyCard,
    GroupCard,
    ImageCard,
    contrast_between,
    date_text,
    facts_of,
    told,
)
from cbir.reports.tally import contents
from cbir.web.addresses import page_url, thumbnail_url
from cbir.web.thumbnails import Size

MOST_COPIES = 24
"""Copies of a group that are shown."""


def group_card(group: Group, difference: Callable[[int], str]) -> GroupCard:
    """Return a group for a page.

    Parameters
    ----------
    group : Group
        With paths of the index.
    difference : callable
        Returns the address of the image of the difference of a copy, counted from 1.
    """
    copies = [
        CopyCard(_image(copy.record), copy, _contrast(group.keep, copy, difference(place)))
        for place, copy in enumerate(group.duplicates[:MOST_COPIES], 1)
    ]
    return GroupCard(group, contents(group), _image(group.keep), copies)


def differing_fields(kept: ImageRecord, copy: ImageRecord) -> list[tuple[str, str, str]]:
    """Return what is not the same of two images: a word, and what each says."""
    words = [
        ("Pixels", f"{kept.width:,} × {kept.height:,}", f"{copy.width:,} × {copy.height:,}"),
        ("Size", size_text(kept.bytes), size_text(copy.bytes)),
        ("Changed", date_text(kept.mtime), date_text(copy.mtime)),
        ("Folder", _folder(kept), _folder(copy)),
        ("Ending", _ending(kept), _ending(copy)),
    ]
    others = dict(copy.metadata)
    words += [(name, text, others.get(name, "")) for name, text in kept.metadata]
    return [
        (printable(word), printable(one), printable(other))
        for word, one, other in words
        if one != other
    ]


def _folder(record: ImageRecord) -> str:
    return record.path.rpartition("/")[0] or "/"


def _ending(record: ImageRecord) -> str:
    return record.path.rpartition("/")[2].rpartition(".")[2].lower()


def _image(record: ImageRecord) -> ImageCard:
    width, height = fitted_size(record.width, record.height, WORKING_SIZE)
    return ImageCard(
        name=printable(record.path.rpartition("/")[2]),
        path=printable(record.path),
        url=page_url(record.path),
        facts=facts_of(record),
        reference=record.reference,
        thumbnail=thumbnail_url(record, Size.ALONE),
        width=width,
        height=height,
        metadata=told(record.metadata),
    )


def _contrast(kept: ImageRecord, copy: Duplicate, difference: str) -> Contrast | None:
    if copy.match.level == "exact":
        return None
    shapes = [fitted_size(one.width, one.height, WORKING_SIZE)[::-1] for one in (kept, copy.record)]
    return replace(contrast_between(shapes[0], shapes[1], copy.match), difference=difference)
