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
        As :func:`region_label` writes it.
    average_precision : str
        As :func:`rounded_down` writes it.
    hits : sequence of HitCard
        The nearest first.
    """

    image: ImageCard
    label: str | None
    average_precision: str
    hits: Sequence[HitCard]


def region_label(label: str | None, region: str | None) -> str | None:
    """Return what stands below a query: its class, and which part of it was searched by.

    Examples
    --------
    >>> region_label("all_souls", "10,20,300,200")
    'all_souls · region 10,20,300,200'
    """
    said = [] if label is None else [label]
    return " · ".join([*said, *([] if region is None else [f"region {region}"])]) or None


def rounded_down(value: float) -> str:
    """Return three decimals; what is not 1 is never called 1.

    Examples
    --------
    >>> rounded_down(0.9999), rounded_down(1)
    ('0.999', '1.000')
    """
    return f"{math.floor(1000 * value) / 1000:.3f}"
