"""An image of search results: one row a query, the query at the left, then its matches.

Several images that were searched by together share the place of the query.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from cbir.core import stderr_capture
from cbir.core.amounts import counted
from cbir.core.checks import check_whole
from cbir.core.errors import printable
from cbir.core.messages import Message, Parameter
from cbir.core.threads import cores, ordered_map
from cbir.images.header import MONTAGE_MARKER
from cbir.reports.drawing import (
    ACCENT,
    INK,
    LARGEST_SIDES,
    LINE,
    MAT,
    PAPER,
    Drawing,
    fitted_image,
    write_line,
)
from cbir.search.results import SearchedImage, SearchResult, distance_text

if TYPE_CHECKING:
    from cbir.images.region import PixelRegion

_BOX = 240
_MARGIN = 8
_CAPTION = 2 * LINE
_MATCHES_A_LINE = 10
"""More matches than these go on in further lines, under the first."""

_SMALL_IMAGES = 16
"""Images that share the place of the query, at most: the caption tells how many there are."""

MONTAGE = Drawing.of(
    "the montage",
    Message(
        "name another with ",
        Parameter("montage"),
        ", or leave it out with ",
        Parameter("montage", False),
    ),
    MONTAGE_MARKER,
)


def write_montage(path: str, results: Sequence[SearchResult], top: int) -> list[str]:
    """Write the montage of some results to a file.

    Parameters
    ----------
    path : str
        The file; its extension says the format: .jpg, .png or .webp.
    results : sequence of SearchResult
        One row each.
    top : int
        Columns besides the query's.

    Returns
    -------
    list of str
        What was left out because the image would have become too large.

    Raises
    ------
    UsageError
        When the extension is of no known format.
    CbirError
        When the file cannot be written, or is there and is no montage of ours.
    """
    check_whole("top", top)
    return MONTAGE.write(path, lambda side: draw_montage(results, top, side))


def draw_montage(
    results: Sequence[SearchResult], top: int, largest_side: int = LARGEST_SIDES["JPEG"]
) -> tuple[Image.Image, list[str]]:
    """Draw the montage of some results.

    Returns
    -------
    Image, list of str
        The montage, and what was left out.
    """
    shown = min(top, max((len(result.matches) for result in results), default=0))
    columns = 1 + min(shown, _MATCHES_A_LINE)
    lines = max(1, -(-shown // _MATCHES_A_LINE))
    told = max((len(match.texts) for result in results for match in result.matches), default=0)
    cell_height = _BOX + _CAPTION + told * LINE + _MARGIN
    fitting = (largest_side - _MARGIN) // cell_height
    notes = []
    if lines > fitting:
        lines = fitting
        notes.append(f"The montage shows the first {counted(lines * _MATCHES_A_LINE, 'match')}")
    rows = min(len(results), fitting // lines)
    if rows < len(results):
        notes.append(f"The montage shows the first {rows} of {counted(len(results), 'query')}")
    size = (_MARGIN + columns * (_BOX + _MARGIN), _MARGIN + rows * lines * cell_height)
    sheet = Image.new("RGB", size, PAPER)
    cells = [
        cell
        for row, result in enumerate(results[:rows])
        for cell in _cells(result, lines, cell_height, _MARGIN + row * lines * cell_height)
    ]
    with stderr_capture.capture():
        images = ordered_map(_load, cells, cores())
        for cell, image in zip(cells, images, strict=True):
            _draw_cell(sheet, cell, image)
    return sheet, notes


@dataclass(frozen=True, slots=True)
class _Cell:
    """A box with what is in it: one image, or several small ones."""

    x: int
    y: int
    images: tuple[SearchedImage, ...]
    caption: str
    metadata: tuple[str, ...] = ()
    is_query: bool = False

    @property
    def names(self) -> str:
        """The names of the files."""
        return " + ".join(os.path.basename(one.path) for one in self.images)


def _cells(result: SearchResult, lines: int, height: int, top: int) -> list[_Cell]:
    cells = [_Cell(_MARGIN, top, result.examples, _caption(result), is_query=True)]
    for place, match in enumerate(result.matches[: lines * _MATCHES_A_LINE]):
        line, column = divmod(place, _MATCHES_A_LINE)
        x = _MARGIN + (column + 1) * (_BOX + _MARGIN)
        y = top + line * height
        caption = f"{match.rank}   {distance_text(result.metric, match.distance)}"
        cells.append(
            _Cell(
                x,
                y,
                (SearchedImage(match.path),),
                caption,
                tuple(f"{name}: {text}" for name, text in match.texts.items() if text),
            )
        )
    return cells


def _caption(result: SearchResult) -> str:
    """Return what stands below the image, or the images, that were searched by."""
    count = len(result.examples)
    if count == 1:
        return "query" if result.region is None else f"query   region {result.region}"
    liked = len(result.liked)
    queries = "query" if count - liked == 1 else f"{count - liked} queries"
    parts = [*([queries] if count > liked else []), *([f"{liked} liked"] if liked else [])]
    return " + ".join(parts)


def _load(cell: _Cell) -> Image.Image | str:
    """Return what is in a box, fitted into it; or why it cannot be shown."""
    if len(cell.images) == 1:
        return _load_one(cell.images[0], _BOX)
    columns = math.ceil(math.sqrt(min(len(cell.images), _SMALL_IMAGES)))
    side = _BOX // columns
    sheet = Image.new("RGB", (_BOX, _BOX), MAT)
    for place, one in enumerate(cell.images[: columns * columns]):
        image = _load_one(one, side - 2)
        row, column = divmod(place, columns)
        x, y = column * side, row * side
        if isinstance(image, str):
            write_line(ImageDraw.Draw(sheet), (x + 2, y + side // 2), image, side - 4)
        else:
            sheet.paste(image, (x + (side - image.width) // 2, y + (side - image.height) // 2))
    return sheet


def _load_one(searched: SearchedImage, side: int) -> Image.Image | str:
    """Return an image, fitted into a square; or why it cannot be shown."""
    fitted = fitted_image(searched.path, side)
    if isinstance(fitted, str):
        return fitted
    if searched.region is not None:
        _draw_region(fitted.image, searched.region, fitted.dimensions)
    return fitted.image


def _draw_region(image: Image.Image, region: PixelRegion, dimensions: tuple[int, int]) -> None:
    """Frame a region of what is shown of an image; in two colors, to be seen on any ground."""
    across, down = image.width / dimensions[0], image.height / dimensions[1]
    left, top = round(region.x * across), round(region.y * down)
    right = max(left, round((region.x + region.width) * across) - 1)
    bottom = max(top, round((region.y + region.height) * down) - 1)
    draw = ImageDraw.Draw(image)
    for distance, width, color in ((3, 2, ACCENT), (1, 1, PAPER)):
        frame = (
            max(0, left - distance),
            max(0, top - distance),
            min(image.width - 1, right + distance),
            min(image.height - 1, bottom + distance),
        )
        draw.rectangle(frame, outline=color, width=width)


def _draw_cell(sheet: Image.Image, cell: _Cell, image: Image.Image | str) -> None:
    x, y = cell.x, cell.y
    box = (x, y, x + _BOX - 1, y + _BOX - 1)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle(box, fill=MAT)
    if isinstance(image, str):
        write_line(draw, (x + _MARGIN, y + _BOX // 2), image, _BOX - 2 * _MARGIN)
    else:
        sheet.paste(image, (x + (_BOX - image.width) // 2, y + (_BOX - image.height) // 2))
    if cell.is_query:
        draw.rectangle(box, outline=ACCENT, width=3)
    write_line(draw, (x, y + _BOX + 2), cell.caption, _BOX, ACCENT if cell.is_query else INK)
    for place, text in enumerate((cell.names, *cell.metadata), 1):
        write_line(draw, (x, y + _BOX + 2 + place * LINE), printable(text), _BOX)
