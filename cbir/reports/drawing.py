"""What drawings of results share: images that are fitted into a box, and lines of text."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from cbir.core.errors import UnreadableImageError
from cbir.core.overwriting import Output
from cbir.images.encoded_image import EncodedImage, software_of
from cbir.images.header import exif_naming
from cbir.images.pixels import WORKING_SIZES
from cbir.reports.fonts import runs

TEXT_SIZE = 13
LINE = 18
"""Pixels from a line of text to the next one."""

PAPER, MAT, INK, ACCENT = "white", (238, 238, 238), (30, 30, 30), (0, 90, 160)

FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
"""The formats of drawings, by the extension of their names."""

LARGEST_SIDES = {"JPEG": 32_000, "PNG": 32_000, "WEBP": 16_383}
"""Pixels; JPEG and PNG allow more, but viewers do not."""

_LARGEST_ZOOM = 4
"""How much a tiny image is enlarged at most."""

_LONGEST = 200
"""Letters, of which far fewer fit in a line."""


@dataclass(frozen=True, slots=True)
class Drawing(Output):
    """A kind of drawing, known by a marker of its own.

    Attributes
    ----------
    marker : str
        Stands in the file: what has it may be overwritten, and is never indexed.
    """

    marker: str = ""

    @classmethod
    def of(cls, name: str, remedy: str, marker: str) -> Drawing:
        """Return the kind of drawing that has a marker."""
        return cls(name, remedy, lambda path: software_of(path) == marker, tuple(FORMATS), marker)

    def write(self, path: str, draw: Callable[[int], tuple[Image.Image, list[str]]]) -> list[str]:
        """Draw, and write it to a file.

        Parameters
        ----------
        path : str
            The file; its extension says the format.
        draw : callable
            Given the longest side that the format may have, it returns the drawing, and what was
            left out because it would have become larger.

        Returns
        -------
        list of str
            What was left out.

        Raises
        ------
        UsageError
            When the extension is of no known format.
        CbirError
            When the file cannot be written, or is there and is none of this kind.
        """
        self.check(path)
        format_ = FORMATS[os.path.splitext(path)[1].lower()]
        image, notes = draw(LARGEST_SIDES[format_])
        with self.written(path) as file:
            image.save(file, format_, quality=90, exif=exif_naming(self.marker))
        return notes


@dataclass(frozen=True, slots=True)
class FittedImage:
    """An image as it is shown, and the width and height of the upright image that it shows."""

    image: Image.Image
    dimensions: tuple[int, int]


def fitted_image(source: str | EncodedImage, side: int) -> FittedImage | str:
    """Return an image, of a file or in memory, fitted into a square; or why it cannot be shown."""
    try:
        size = next(step for step in WORKING_SIZES if step >= side)
        encoded = EncodedImage.open(source) if isinstance(source, str) else source
        image = Image.fromarray(encoded.pixels(size))
    except UnreadableImageError as error:
        return error.reason
    zoom = min(side / image.width, side / image.height, _LARGEST_ZOOM)
    fitted = (max(1, round(image.width * zoom)), max(1, round(image.height * zoom)))
    return FittedImage(image.resize(fitted, Image.Resampling.LANCZOS), encoded.dimensions)


def write_line(
    draw: ImageDraw.ImageDraw,
    position: tuple[int, int],
    text: str,
    width: int,
    color: str | tuple[int, int, int] = INK,
) -> None:
    """Write one line, with an ellipsis in the middle when it is wider than `width`."""
    if len(text) > _LONGEST:  # to measure it would take long
        text = f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"
    kept = len(text)
    parts = runs(text, TEXT_SIZE)
    while kept > 2 and sum(font.getlength(part) for part, font in parts) > width:
        kept -= 1
        parts = runs(f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}", TEXT_SIZE)
    x, y = position
    for part, font in parts:
        draw.text((x, y), part, fill=color, font=font)
        x += round(font.getlength(part))
