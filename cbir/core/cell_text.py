"""Values of files and databases as text that is the same each time."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import NoneType
from typing import Any
from uuid import UUID

_PLAIN = 30
"""Digits of a decimal number that are written without an exponent."""


def cell_text(value: Any) -> str:
    """Return a value as text.

    Nothing and NaN are the empty text. Whole numbers are their digits, others the shortest text
    that is read as the same number. Booleans are ``true`` and ``false``, dates and times as in
    ISO 8601; lists and objects are JSON.

    Raises
    ------
    ValueError
        When it is binary or of a type without such a text.

    Examples
    --------
    >>> [cell_text(value) for value in (None, 7, 1e-7, True, date(2024, 2, 29), [1, "a"])]
    ['', '7', '1e-07', 'true', '2024-02-29', '[1, "a"]']
    """
    for types, text_of in _WRITERS:
        if isinstance(value, types):
            return text_of(value)
    raise ValueError(f"a value of type {type(value).__name__}, which has no text")


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        return "" if value.is_nan() else repr(float(value))
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    plain = -_PLAIN <= exponent <= 0 or abs(value.adjusted()) <= _PLAIN
    return format(value, "f") if plain else str(value)


def _json_text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=cell_text)
    except RecursionError:
        raise ValueError("a value that is nested too deeply") from None
    except TypeError as error:
        raise ValueError(str(error)) from None


def _seconds_text(value: timedelta) -> str:
    seconds = Decimal(value.days * 86400 + value.seconds) + Decimal(value.microseconds) / 10**6
    return f"PT{_decimal_text(seconds)}S"


def _refuse_binary(_: object) -> str:
    raise ValueError("a binary value, which has no text")


_WRITERS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (str, str),
    (NoneType, lambda _: ""),
    (bool, lambda value: "true" if value else "false"),
    (int, str),
    (float, lambda value: "" if math.isnan(value) else repr(value)),
    (Decimal, _decimal_text),
    ((date, time), lambda value: value.isoformat()),
    (timedelta, _seconds_text),
    ((list, tuple, dict), _json_text),
    ((UUID, IPv4Address, IPv6Address, IPv4Network, IPv6Network), str),
    ((bytes, bytearray, memoryview), _refuse_binary),
)
"""By type; a bool is also an int, and a datetime a date."""
