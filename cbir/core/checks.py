"""Numbers that a caller gives, checked in one place."""

from __future__ import annotations

import math
import operator
from typing import SupportsFloat, SupportsIndex

from cbir.errors import UsageError


def check_whole(name: str, value: SupportsIndex, least: int = 1) -> int:
    """Return a whole number that is not below `least`.

    Raises
    ------
    UsageError
        When it is below, or no whole number.

    Examples
    --------
    >>> check_whole("top", 3)
    3
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise UsageError(f"{name}={value!r}: give a whole number from {least} on") from None
    if number < least:
        raise UsageError(f"{name}={value!r}: give a whole number from {least} on")
    return number


def check_number(name: str, value: SupportsFloat, least: float = 0) -> float:
    """Return a finite number that is not below `least`.

    Raises
    ------
    UsageError
        When it is below, NaN or infinite, or no number.

    Examples
    --------
    >>> check_number("max_distance", 0.5)
    0.5
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number < least:
        raise UsageError(f"{name}={value!r}: give a finite number from {least:g} on")
    return number
