"""Values of a JSON document that others wrote: each is as expected, or an error says where not.

Each function takes a value and where it stands in the document.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from cbir.core.errors import printable

MAX_TEXT = 10_000
"""Characters of a text."""

_T = TypeVar("_T")


class DamageError(ValueError):
    """What is wrong with a value, and where."""


def object_of(value: Any, where: str) -> dict[str, Any]:
    """Return an object."""
    if not isinstance(value, dict):
        raise DamageError(f"{where} is no object")
    return value


def list_of(value: Any, where: str, most: int, of: Callable[[Any, str], _T]) -> list[_T]:
    """Return a list of at most `most` values, each read by `of`.

    Examples
    --------
    >>> list_of([1, 2], "sizes", 5, count)
    [1, 2]
    >>> list_of([1, "two"], "sizes", 5, count)
    Traceback (most recent call last):
    cbir.core.json_values.DamageError: sizes[1] is no count
    """
    if not isinstance(value, list):
        raise DamageError(f"{where} is no list")
    if len(value) > most:
        raise DamageError(f"{where} has more than {most:,} entries")
    return [of(one, f"{where}[{place}]") for place, one in enumerate(value)]


def plain_text(value: Any, where: str) -> str:
    """Return a text as it is."""
    if not isinstance(value, str):
        raise DamageError(f"{where} is no text")
    if len(value) > MAX_TEXT:
        raise DamageError(f"{where} has more than {MAX_TEXT:,} characters")
    return value


def shown_text(value: Any, where: str) -> str:
    """Return a text so that it can be shown: on one line, and as UTF-8."""
    return printable(plain_text(value, where))


def or_none(value: Any, where: str, of: Callable[[Any, str], _T]) -> _T | None:
    """Return a value that may be null."""
    return None if value is None else of(value, where)


def flag(value: Any, where: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise DamageError(f"{where} is neither true nor false")
    return value


def count(value: Any, where: str) -> int:
    """Return a whole number from 0."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise DamageError(f"{where} is no count")
    return value


def number(value: Any, where: str) -> float:
    """Return a number; NaN for null, as what is not there is written."""
    if value is None:
        return math.nan
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e300:
        raise DamageError(f"{where} is no number")
    return float(value)


def share(value: Any, where: str) -> float:
    """Return a number between 0 and 1; NaN for null."""
    found = number(value, where)
    if not (math.isnan(found) or 0 <= found <= 1):
        raise DamageError(f"{where} is not between 0 and 1")
    return found
