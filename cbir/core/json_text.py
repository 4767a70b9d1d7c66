"""JSON that may be damaged or made to do harm."""

from __future__ import annotations

import json
from typing import Any


def parse_json(data: bytes | str) -> Any:
    """Parse a JSON document.

    Raises
    ------
    ValueError
        When it is none, also where Python would say so in another way: it is nested too deeply,
        has a number of thousands of digits, or is not UTF-8.

    Examples
    --------
    >>> parse_json(b'{"a": 1}')
    {'a': 1}
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ValueError: nested too deeply
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
