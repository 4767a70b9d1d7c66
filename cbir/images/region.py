"""A region of an image: the rectangle of it that counts."""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from cbir.core.errors import UnreadableImageError, UsageError, printable
from cbir.core.messages import Parameter

_LENGTH = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)(%?)")
_ROUNDING = 1
"""Pixels by which a region may reach beyond its image: who scales a box has to round it."""

_LONGEST = 80
"""Letters that a message shows of what is no region."""


class PixelRegion(NamedTuple):
    """Whole pixels of an upright image.

    Examples
    --------
    >>> print(PixelRegion(10, 20, 300, 200))
    10,20,300,200
    """

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return ",".join(map(str, self))


@dataclass(frozen=True, slots=True)
class Length:
    """A number of pixels, or a percentage of an image's side.

    Examples
    --------
    >>> print(Length.parse("12.50%"), Length.parse("12.50%").on(200))
    12.5% 25
    """

    value: Fraction
    is_percentage: bool = False

    @classmethod
    def parse(cls, text: str) -> Length:
        """Read a number, with ``%`` after a percentage; a `ValueError` tells that it is none."""
        found = _LENGTH.fullmatch(text.strip())
        if found is None:
            raise ValueError(text)
        return cls(Fraction(found[1]), found[2] == "%")

    def on(self, side: int) -> Fraction:
        """Return the pixels of it on a side of an image."""
        return self.value * side / 100 if self.is_percentage else self.value

    def __str__(self) -> str:
        number = Decimal(self.value.numerator) / Decimal(self.value.denominator)
        return f"{number:f}{'%' if self.is_percentage else ''}"


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of an upright image, in pixels or in percent of the image's sides.

    Parameters
    ----------
    x, y : Length
        Its left upper corner, from that of the image.
    width, height : Length

    Raises
    ------
    UsageError
        When it has no extent.

    Examples
    --------
    >>> Region.parse("25%,0,50%,100%").in_pixels("cat.jpg", (640, 480))
    PixelRegion(x=160, y=0, width=320, height=480)
    """

    x: Length
    y: Length
    width: Length
    height: Length

    def __post_init__(self) -> None:
        if not self.width.value or not self.height.value:
            raise _no_region(str(self))

    @classmethod
    def parse(cls, text: str) -> Region:
        """Read ``x,y,width,height``: numbers of pixels, or percentages as in ``25%``.

        Raises
        ------
        UsageError
            When these are not four finite numbers from 0 on, or a side is 0.
        """
        return cls.of(text.split(","))

    @classmethod
    def of(cls, region: RegionLike) -> Region:
        """Return a region for whatever one can be given as.

        Parameters
        ----------
        region : Region, str, or sequence of four numbers
            Text as :meth:`parse` reads it; numbers are pixels, and each may be text.

        Raises
        ------
        UsageError
            When it is none.
        """
        if isinstance(region, Region):
            return region
        if isinstance(region, str):
            return cls.parse(region)
        if isinstance(region, bytes) or not isinstance(region, Iterable):
            raise _no_region(_shown(region))
        values = list(itertools.islice(region, 5))
        try:
            x, y, width, height = (Length.parse(_number_text(value)) for value in values)
        except (TypeError, ValueError, OverflowError):
            raise _no_region(",".join(map(_shown, values))) from None
        return cls(x, y, width, height)

    def in_pixels(self, path: str, dimensions: tuple[int, int]) -> PixelRegion:
        """Return the whole pixels of an image that are in the region, one at least.

        Parameters
        ----------
        path : str
            The image, for the message.
        dimensions : (int, int)
            Its width and height, upright.

        Raises
        ------
        UnreadableImageError
            When the region reaches beyond the image, by more than what comes of rounding.
        """
        width, height = dimensions
        columns = _pixels(self.x.on(width), self.width.on(width), width)
        rows = _pixels(self.y.on(height), self.height.on(height), height)
        if not columns or not rows:
            raise UnreadableImageError(
                path,
                f"the region {self} reaches beyond its {width}x{height} pixels",
                "give one within the image, or percentages",
            )
        return PixelRegion(columns.start, rows.start, len(columns), len(rows))

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.width},{self.height}"


RegionLike = Region | str | Sequence[float | str]
"""What a region can be given as."""


def _number_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return str(operator.index(value))
    except TypeError:
        return f"{float(value) + 0.0:.9f}"  # no minus zero


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return repr(value)
    except Exception:  # also a number may have too many digits for it
        return f"an object of type {type(value).__name__}"


def _pixels(start: Fraction, length: Fraction, side: int) -> range:
    """Return the pixels of one side that lie in a stretch of it; none if it goes beyond."""
    end = start + length
    if start >= side or end > side + _ROUNDING:
        return range(0)
    first, last = _rounded(start), min(_rounded(end), side)
    if first >= last:  # less than a pixel: the one around its middle
        first = min(math.floor((start + end) / 2), side - 1)
    return range(first, max(first + 1, last))


def _rounded(value: Fraction) -> int:
    """Round halves up, so that regions that touch share no pixel."""
    return math.floor(value + Fraction(1, 2))


def _no_region(text: str) -> UsageError:
    return UsageError(
        Parameter("region", printable(text[:_LONGEST])),
        ": give four numbers x,y,width,height, in pixels of the upright image or in percent of its"
        " sides, as in 10,20,300,200 or 25%,0,50%,100%; none is negative, and the size is not 0",
    )
