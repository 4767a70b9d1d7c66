"""Precision-recall curves as shapes for SVG, which a template draws.

Curves are told apart without color as well: by dashes, and by markers, which stand at other places
on each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cbir.evaluation.model import RECALLS

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 624, 12, 344
"""The edges of the area in which curves are drawn."""

COLORS = 7
"""Classes of the stylesheet: ``curve-1`` to ``curve-7``."""

DASHES = ("", "9 4", "2 4", "12 4 2 4")
MARKERS = (
    "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0-4 0z",
    "M-3.5-3.5H3.5V3.5H-3.5z",
    "M0-5L4.5 3.5H-4.5z",
    "M0-5L5 0 0 5-5 0z",
    "M0 5L4.5-3.5H-4.5z",
)
"""A circle, a square, a triangle, a diamond, and a triangle on its tip. Seven colors, four kinds of
lines and five markers give 140 curves before one comes again."""

_BETWEEN = 20
"""Samples between two markers of a curve."""

_TOLD = (0, 50, 100)
"""Samples that the description of the chart names."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve on the chart.

    Attributes
    ----------
    label : str
    color : int
        Of the class ``curve-…``.
    dashes : str
        For ``stroke-dasharray``; empty for a full line.
    marker : str
        A path around the origin.
    points : str
        For a ``polyline``.
    markers : sequence of str
        For ``transform``.
    """

    label: str
    color: int
    dashes: str
    marker: str
    points: str
    markers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves, and what a reader who does not see them is told."""

    curves: Sequence[Curve]
    description: str


def chart(curves: Sequence[tuple[str, Sequence[float]]]) -> Chart:
    """Lay out curves.

    Parameters
    ----------
    curves : sequence of (str, sequence of float)
        A label, and the precision at each of :data:`cbir.evaluation.model.RECALLS`. Those that have
        no numbers are left out.

    Raises
    ------
    ValueError
        When a curve has another number of values.

    Examples
    --------
    >>> made = chart([("hsv", [1.0] * 101), ("phash", [0.5] * 101)])
    >>> made.curves[1].points[:12], made.curves[1].color
    ('64,178 69.6,', 2)
    >>> made.description.splitlines()[1]
    'phash: precision 0.500 at recall 0, 0.500 at recall 0.5, 0.500 at recall 1.'
    """
    drawn = [(label, values) for label, values in curves if values and not math.isnan(values[0])]
    if any(len(values) != len(RECALLS) for _, values in drawn):
        raise ValueError(f"a curve has {len(RECALLS)} values")
    return Chart(
        [_curve(place, label, values) for place, (label, values) in enumerate(drawn)],
        "\n".join(_told(label, values) for label, values in drawn),
    )


def x_of(recall: float) -> float:
    """Return where a recall is on the chart."""
    return round(LEFT + recall * (RIGHT - LEFT), 1)


def y_of(precision: float) -> float:
    """Return where a precision is on the chart."""
    return round(BOTTOM - precision * (BOTTOM - TOP), 1)


def _curve(place: int, label: str, values: Sequence[float]) -> Curve:
    points = [
        (x_of(float(recall)), y_of(value)) for recall, value in zip(RECALLS, values, strict=True)
    ]
    first = 4 + 5 * place % _BETWEEN
    return Curve(
        label,
        place % COLORS + 1,
        DASHES[place % len(DASHES)],
        MARKERS[place % len(MARKERS)],
        " ".join(f"{x:g},{y:g}" for x, y in points),
        [f"translate({x:g} {y:g})" for x, y in points[first::_BETWEEN]],
    )


def _told(label: str, values: Sequence[float]) -> str:
    told = (f"{values[place]:.3f} at recall {RECALLS[place]:g}" for place in _TOLD)
    return f"{label}: precision {', '.join(told)}."
