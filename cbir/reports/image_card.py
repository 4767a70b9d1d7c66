"""The images of pages, and what a report says of each."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

import numpy as np
from PIL import Image

from cbir.core.amounts import size_text
from cbir.core.errors import UnreadableImageError, printable
from cbir.duplicates.model import CopyMatch, Duplicate, Group, ImageRecord
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import Pixels, fit
from cbir.reports.difference_image import difference
from cbir.reports.tally import contents
from cbir.verification.geometry import Transform, inverted, orientation_transform, pixels_inside

THUMBNAIL = 320
"""Longest side, in pixels."""

WORKING_SIZE = 512
"""Longest side, in pixels, of the images that a match's transform is about."""

_IMAGE_QUALITY, _DIFFERENCE_QUALITY = 72, 55
_WHOLE = 0.97
"""Of the kept image; a copy that shows less of it shows a part."""


@dataclass(frozen=True, slots=True)
class ImageCard:
    """An image on the page.

    Attributes
    ----------
    name, path : str
        To be read.
    url : str
        To be followed.
    facts : str
        Its sizes and its date, in a report.
    reference : bool
    thumbnail : str
        The address of the thumbnail, such as a data URI; empty when the image is shown from its
        file, or not at all.
    width, height : int
        Pixels at the working size.
    failure : str
        Why it is not shown.
    changed : bool
        The file is not the one that was compared.
    metadata : sequence of (str, str)
        What is known about the image: names of columns, and what these say.
    search_url : str
        Leads to the images that are like it; empty where there is no such page.
    """

    name: str
    path: str
    url: str
    facts: str = ""
    reference: bool = False
    thumbnail: str = ""
    width: int = 0
    height: int = 0
    failure: str = ""
    changed: bool = False
    metadata: Sequence[tuple[str, str]] = ()
    search_url: str = ""


@dataclass(frozen=True, slots=True)
class Contrast:
    """What a copy shows differently, on the page.

    Attributes
    ----------
    difference : str
        The address of the image of the difference, such as a data URI.
    changed, shown, added : float
        Of :class:`cbir.reports.difference_image.Difference`; `changed` is None where the pixels
        were not compared.
    matrix : str
        Where the kept image lies in the copy, for SVG.
    frame : str
        The corners of the copy in the kept image, for SVG; empty if it shows all of it.
    """

    difference: str
    changed: float | None
    shown: float
    added: float
    matrix: str
    frame: str


@dataclass(frozen=True, slots=True)
class CopyCard:
    """A copy on the page; without `contrast` when there is nothing to compare."""

    image: ImageCard
    copy: Duplicate
    contrast: Contrast | None


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A group on the page; `contents` says what goes and what stays of it."""

    group: Group
    contents: str
    kept: ImageCard
    copies: list[CopyCard]


def card(group: Group, room: int, folder: str) -> tuple[GroupCard, list[str]]:
    """Prepare a group for the page, and return what should be told about it besides.

    Parameters
    ----------
    group : Group
    room : int
        Copies that are shown by thumbnails; further ones from their files.
    folder : str
        The page's; absolute.
    """
    kept, kept_pixels, notes = _image(group.keep, folder, room > 0)
    copies = []
    for place, copy in enumerate(group.duplicates):
        shown, pixels, more = _image(copy.record, folder, place < room)
        notes += more
        contrast = None
        if copy.match.level != "exact" and kept_pixels is not None and pixels is not None:
            contrast = _contrast(kept_pixels, pixels, copy.match)
        copies.append(CopyCard(shown, copy, contrast))
    return GroupCard(group, contents(group), kept, copies), notes


def _image(
    record: ImageRecord, folder: str, embedded: bool
) -> tuple[ImageCard, Pixels | None, list[str]]:
    """Return an image for the page, its pixels if they are what was compared, and notes."""
    shown = partial(
        named_card(record.path, folder),
        facts=facts_of(record),
        reference=record.reference,
        metadata=told(record.metadata),
    )
    if not embedded:
        return shown(), None, []
    try:
        image = EncodedImage.open(record.path)
        pixels = image.pixels(WORKING_SIZE)
    except UnreadableImageError as error:
        return shown(failure=error.reason), None, [f"Not in the report: {error}"]
    height, width = pixels.shape[:2]
    data = data_uri(pixels, _IMAGE_QUALITY)
    if hashlib.sha256(image.data).digest() == record.sha256:
        return shown(thumbnail=data, width=width, height=height), pixels, []
    note = f"{printable(record.path)}: changed since the images were compared"
    return shown(thumbnail=data, width=width, height=height, changed=True), None, [note]


def _contrast(kept: Pixels, copy: Pixels, match: CopyMatch) -> Contrast:
    found = difference(kept, copy, working_transform(kept.shape, copy.shape, match))
    return replace(
        contrast_between(kept.shape, copy.shape, match),
        difference=data_uri(found.image, _DIFFERENCE_QUALITY),
        changed=found.changed,
    )


def contrast_between(kept: Sequence[int], copy: Sequence[int], match: CopyMatch) -> Contrast:
    """Return how a copy lies to the kept image, without looking at their pixels.

    Parameters
    ----------
    kept, copy : sequence of int
        The shapes of both at the working size: height and width.
    match : CopyMatch
    """
    transform = working_transform(kept, copy, match)
    shown = float(pixels_inside(kept, transform, copy).mean())
    return Contrast(
        difference="",
        changed=None,
        shown=shown,
        added=float((~pixels_inside(copy, inverted(transform), kept)).mean()),
        matrix=_matrix(transform),
        frame=_frame(transform, copy) if shown < _WHOLE else "",
    )


def working_transform(kept: Sequence[int], copy: Sequence[int], match: CopyMatch) -> Transform:
    """Return where the kept image lies in a copy, both at the working size."""
    if match.transform is None:
        return orientation_transform(kept, copy, 0)
    return match.transform


def facts_of(record: ImageRecord) -> str:
    """Return the sizes of an image, and its date."""
    facts = f"{record.width:,} × {record.height:,} px · {size_text(record.bytes)}"
    when = date_text(record.mtime)
    return f"{facts} · {when}" if when else facts


def date_text(mtime: int) -> str:
    """Return milliseconds since 1970 as a date; nothing for one that no calendar has."""
    try:
        return f"{datetime.fromtimestamp(mtime // 1000, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):  # a date that no calendar has
        return ""


def named_card(path: str, folder: str) -> partial[ImageCard]:
    """Return what makes the card of a file for a page in `folder`, which is absolute."""
    names = printable(os.path.basename(path)), printable(path)
    return partial(ImageCard, *names, file_url(path, folder))


def told(metadata: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what is known about an image as a page shows it; nothing where nothing is known."""
    return [(printable(column), printable(text)) for column, text in metadata if text]


def file_url(path: str, folder: str) -> str:
    """Return a link to a file, from a page in `folder`, that no byte of its name breaks.

    Parameters
    ----------
    path : str
        Bytes that are not UTF-8 as surrogates.
    folder : str
        Absolute.

    Examples
    --------
    >>> folder = os.path.abspath("reports")
    >>> file_url("photos/a b#1.jpg", folder)
    '../photos/a%20b%231.jpg'
    >>> file_url(os.path.join(folder, os.fsdecode(b"c:" + bytes([255]))), folder)
    'c%3A%FF'
    """
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # another drive
        from pathlib import Path

        return Path(path).absolute().as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")))


def data_uri(image: Pixels, quality: int, side: int = THUMBNAIL) -> str:
    """Return an image for a page, as WebP that is part of the link.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB.
    quality : int
        0 to 100.
    side : int
        The longest one at most, in pixels; an image is never enlarged.

    Examples
    --------
    >>> data_uri(np.zeros((8, 8, 3), np.uint8), 70)[:28]
    'data:image/webp;base64,UklGR'
    """
    file = io.BytesIO()
    Image.fromarray(fit(image, side)).save(file, "WEBP", quality=quality, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def _matrix(transform: Transform) -> str:
    """Return a transform for SVG, which counts from the corners of pixels."""
    linear = transform[:, :2]
    shift = transform[:, 2] + 0.5 - linear.sum(axis=1) / 2
    return f"matrix({_numbers([*linear.T.ravel(), *shift])})"


def _frame(transform: Transform, copy: Sequence[int]) -> str:
    height, width = copy[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)]) - 0.5
    back = inverted(transform)
    return _numbers((corners @ back[:, :2].T + back[:, 2] + 0.5).ravel())


def _numbers(values: Sequence[float] | Transform) -> str:
    # Adding zero makes -0 a 0.
    return " ".join(f"{round(float(value), 4) + 0:g}" for value in values)
