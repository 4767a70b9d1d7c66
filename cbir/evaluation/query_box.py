"""The box of a query, as ground truth has it: two corners, in pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cbir.images.region import Region

_LARGEST = 1e6
"""No image has a side of so many pixels."""

_ROUNDING = 1.0
"""Pixels that a corner may lie beyond the left or upper side: boxes were drawn by hand."""


def region_of_box(box: Sequence[float]) -> Region | None:
    """Return a region for a left upper and a right lower corner; None if there is none.

    Parameters
    ----------
    box : sequence of four floats
        x1, y1, x2, y2.

    Examples
    --------
    >>> print(region_of_box([136.5, 34.1, 648.5, 955.7]))
    136.5,34.1,512,921.6
    >>> region_of_box([10, 10, 10, 20]) is None
    True
    """
    if not all(math.isfinite(value) and -_ROUNDING <= value <= _LARGEST for value in box):
        return None
    x1, y1, x2, y2 = (max(value, 0.0) for value in box)
    width, height = x2 - x1, y2 - y1
    return Region.of([x1, y1, width, height]) if min(width, height) >= _LEAST else None


_LEAST = 1e-6
"""Pixels: less is rounded to nothing."""
