"""A query of an evaluation on a page, with what it returned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cbir.reports.image_card import ImageCard


@dataclass(frozen=True, slots=True)
class HitCard:
    """A result on the page.

    Attributes
    ----------
    image : ImageCard
    relevant : bool
        Whether it is right.
    distance : str
        As people read it.
    """

    image: ImageCard
    relevant: bool
    distance: str


@dataclass(frozen=True, slots=True)
class QueryCard:
    """A query on the page.

    Attributes
    ----------
    image : ImageCard
    label : str or None
        Its class, where there are classes.
    average_precision : str
        As :func:`rounded_down` writes it.
    hits : sequence of HitCard
        The nearest first.
    """

    image: ImageCard
    label: str | None
    average_precision: str
    hits: Sequence[HitCard]


def rounded_down(value: float) -> str:
    """Return three decimals; what is not 1 is never called 1.

    Examples
    --------
    >>> rounded_down(0.9999), rounded_down(1)
    ('0.999', '1.000')
    """
    return f"{math.floor(1000 * value) / 1000:.3f}"
