"""An image that explains results: what of the query is where in each of them.

The query, or of several images that were searched by the one that fits best, stands at the left and
a result at the right of each row. Lines lead from features of the
query to those that match, and the part that was found is framed in both.
"""

from __future__ import annotations

import colorsys
import os
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cbir.core import stderr_capture
from cbir.core.amounts import counted
from cbir.core.checks import check_whole
from cbir.core.errors import printable
from cbir.core.messages import Message, Parameter
from cbir.images.encoded_image import EncodedImage
from cbir.images.header import EXPLANATION_MARKER
from cbir.reports.drawing import (
    ACCENT,
    INK,
    LARGEST_SIDES,
    LINE,
    MAT,
    PAPER,
    Drawing,
    FittedImage,
    fitted_image,
    write_line,
)
from cbir.search.results import Match, SearchResult, distance_text
from cbir.search.verified_match import VerifiedMatch

_SIDE = 480
_GAP = 24
"""Pixels between the query and a result."""

_MARGIN = 8
_ROW = _SIDE + 2 * LINE + 2 * _MARGIN
_WIDTH = 2 * _SIDE + _GAP + 2 * _MARGIN

MOST_LINES = 60
"""The clearest; more hide what they are about."""

_HALO, _FRAME, _UNSURE = (0, 0, 0), (255, 225, 0), (160, 160, 160)
_HALO_STRENGTH = 0.45
_FINE = 4
"""Bits of a pixel in which places are given to OpenCV."""

EXPLANATION = Drawing.of(
    "the explanation",
    Message("name another with ", Parameter("explain"), ", or leave that out"),
    EXPLANATION_MARKER,
)


def write_explanation(path: str, results: Sequence[SearchResult], top: int) -> list[str]:
    """Write the explanation of some results to a file.

    Parameters
    ----------
    path : str
        The file; its extension says the format: .jpg, .png or .webp.
    results : sequence of SearchResult
        Whose matches were verified.
    top : int
        Matches of each that are shown, at most.

    Returns
    -------
    list of str
        What was left out because the image would have become too large.

    Raises
    ------
    UsageError
        When the extension is of no known format.
    CbirError
        When the file cannot be written, or is there and is no explanation of ours.
    """
    check_whole("top", top)
    return EXPLANATION.write(path, lambda side: draw_explanation(results, top, side))


def draw_explanation(
    results: Sequence[SearchResult], top: int, largest_side: int = LARGEST_SIDES["JPEG"]
) -> tuple[Image.Image, list[str]]:
    """Draw the explanation of some results.

    Returns
    -------
    Image, list of str
        The explanation, and what was left out.
    """
    rows = [(result, match) for result in results for match in result.matches[:top]]
    fitting = (largest_side - _MARGIN) // _ROW
    notes = []
    if len(rows) > fitting:
        notes.append(f"The explanation shows the first {fitting} of {counted(len(rows), 'match')}")
    shown = rows[:fitting]
    sheet = Image.new("RGB", (_WIDTH, max(1, len(shown)) * _ROW + _MARGIN), PAPER)
    if not shown:
        write_line(ImageDraw.Draw(sheet), (_MARGIN, _MARGIN), "nothing found", _WIDTH)
    loaded: dict[str, FittedImage | str] = {}
    with stderr_capture.capture():
        for place, (result, match) in enumerate(shown):
            query = result.example_of(match).path
            if query not in loaded:  # results of one query follow each other
                paths = [one.path for one in result.examples]
                loaded = {path: one for path, one in loaded.items() if path in paths}
                loaded[query] = fitted_image(query, _SIDE)
            top_edge = _MARGIN + place * _ROW
            pair = loaded[query], fitted_image(match.path, _SIDE)
            _draw_pair(sheet, top_edge, pair, match.verification)
            _write_titles(ImageDraw.Draw(sheet), top_edge + _SIDE + 2, result, match)
    return sheet, notes


def draw_match(
    query: EncodedImage, found: EncodedImage, verification: VerifiedMatch | None
) -> Image.Image:
    """Draw what one image has in common with a query, without a title.

    Parameters
    ----------
    query, found : EncodedImage
        The left one and the right one.
    verification : VerifiedMatch or None
        None: the images are there side by side.
    """
    sheet = Image.new("RGB", (_WIDTH, _ROW), PAPER)
    with stderr_capture.capture():
        pair = fitted_image(query, _SIDE), fitted_image(found, _SIDE)
        _draw_pair(sheet, 0, pair, verification)
    heights = [_SIDE if isinstance(one, str) else one.image.height for one in pair]
    top = (_SIDE - max(heights)) // 2
    return sheet.crop((_MARGIN, top, _WIDTH - _MARGIN, top + max(heights)))


def _draw_pair(
    sheet: Image.Image,
    top: int,
    pair: tuple[FittedImage | str, FittedImage | str],
    verification: VerifiedMatch | None,
) -> None:
    draw = ImageDraw.Draw(sheet)
    corners = []
    for left, one in zip((_MARGIN, _MARGIN + _SIDE + _GAP), pair, strict=True):
        draw.rectangle((left, top, left + _SIDE - 1, top + _SIDE - 1), fill=MAT)
        if isinstance(one, str):
            write_line(draw, (left + _MARGIN, top + _SIDE // 2), one, _SIDE - 2 * _MARGIN)
            continue
        x, y = left + (_SIDE - one.image.width) // 2, top + (_SIDE - one.image.height) // 2
        sheet.paste(one.image, (x, y))
        corners.append((x, y, one.image.width / one.dimensions[0]))
    if verification is None or len(corners) < 2:
        return
    row = (0, top, _WIDTH, top + _SIDE)
    canvas = np.array(sheet.crop(row))
    lines = np.array(verification.lines[:MOST_LINES]).reshape(-1, 2, 2)
    box = verification.query_box
    framed = [
        np.array(
            [
                (box.x, box.y),
                (box.x + box.width, box.y),
                (box.x + box.width, box.y + box.height),
                (box.x, box.y + box.height),
            ]
        ),
        np.array(verification.quadrilateral),
    ]
    placed = [
        np.array([x, y - top]) + scale * lines[:, side]
        for side, (x, y, scale) in enumerate(corners)
    ]
    for (x, y, scale), one, frame in zip(corners, pair, framed, strict=True):
        assert isinstance(one, FittedImage)
        part = canvas[y - top : y - top + one.image.height, x : x + one.image.width]
        _draw_frame(part, scale * frame, _FRAME if verification.is_same else _UNSURE)
    _draw_lines(canvas, placed[0], placed[1])
    sheet.paste(Image.fromarray(canvas), row[:2])


def _draw_frame(
    part: NDArray[np.uint8], corners: NDArray[np.float64], inner: tuple[int, int, int]
) -> None:
    """Frame what was found, in two colors, to be seen on any ground; what is beyond is cut off."""
    drawn = np.ascontiguousarray(part)
    for color, thickness in ((_HALO, 5), (inner, 2)):
        cv2.polylines(drawn, [_fine(corners)], True, color, thickness, cv2.LINE_AA, _FINE)
    part[:] = drawn


def _draw_lines(
    canvas: NDArray[np.uint8], here: NDArray[np.float64], there: NDArray[np.float64]
) -> None:
    """Draw a thin line a match on a shadow that makes it readable, each in a color of its own."""
    starts, ends = _fine(here).tolist(), _fine(there).tolist()
    shadow = canvas.copy()
    for start, end in zip(starts, ends, strict=True):
        cv2.line(shadow, start, end, _HALO, 3, cv2.LINE_AA, _FINE)
    canvas[:] = cv2.addWeighted(shadow, _HALO_STRENGTH, canvas, 1 - _HALO_STRENGTH, 0)
    # Neighbors differ: matches are colored in turns around the circle of hues.
    for turn, (start, end) in enumerate(zip(starts, ends, strict=True)):
        color = _bright(turn * 0.618 % 1)
        cv2.line(canvas, start, end, color, 1, cv2.LINE_AA, _FINE)
        for place in (start, end):
            cv2.circle(canvas, place, 4 << _FINE, _HALO, 3, cv2.LINE_AA, _FINE)
            cv2.circle(canvas, place, 4 << _FINE, color, 1, cv2.LINE_AA, _FINE)


def _bright(hue: float) -> tuple[int, ...]:
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.65, 1))


def _fine(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return places as OpenCV takes them; what is very far away leads there from nearby."""
    places: Any = np.clip((points - 0.5) * (1 << _FINE), -(1 << 20), 1 << 20)
    return np.asarray(np.rint(places), np.int32)


def _write_titles(draw: ImageDraw.ImageDraw, top: int, result: SearchResult, match: Match) -> None:
    left, right = _MARGIN, _MARGIN + _SIDE + _GAP
    query = result.example_of(match)
    region = "" if query.region is None else f"   region {query.region}"
    title = f"{match.rank}   {distance_text(result.metric, match.distance)}   {_found(match)}"
    write_line(draw, (left, top), f"query{region}", _SIDE, ACCENT)
    write_line(draw, (right, top), title, _SIDE, INK)
    write_line(draw, (left, top + LINE), printable(os.path.basename(query.path)), _SIDE)
    write_line(draw, (right, top + LINE), printable(os.path.basename(match.path)), _SIDE)


def _found(match: Match) -> str:
    """Say what verification found."""
    found = match.verification
    if found is None:
        return "nothing in common was found"
    said = "the same thing" if found.is_same else "not enough for the same thing"
    return f"{found.inliers:,} features match: {said}"
