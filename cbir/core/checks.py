"""Numbers that a caller gives, checked in one place."""

from __future__ import annotations

import math
import operator
from typing import SupportsFloat, SupportsIndex

from cbir.core.errors import UsageError


def check_whole(name: str, value: SupportsIndex, least: int = 1, most: int | None = None) -> int:
    """Return a whole number that is not below `least`, nor above `most`.

    Raises
    ------
    UsageError
        When it is, or is no whole number.

    Examples
    --------
    >>> check_whole("top", 3)
    3
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most):
        end = "on" if most is None else f"to {most}"
        raise UsageError(f"{name}={value!r}: give a whole number from {least} {end}")
    return number


def check_number(name: str, value: SupportsFloat) -> float:
    """Return a finite number that is not negative.

    Raises
    ------
    UsageError
        When it is negative, NaN or infinite, or no number.

    Examples
    --------
    >>> check_number("max_distance", 0.5)
    0.5
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise UsageError(f"{name}={value!r}: give a finite number from 0 on")
    return number
