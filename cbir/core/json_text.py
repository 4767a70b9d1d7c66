"""JSON that may be damaged or made to do harm."""

from __future__ import annotations

import json
import re
from typing import Any

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


def parse_json(data: bytes | str) -> Any:
    """Parse a JSON document.

    Raises
    ------
    ValueError
        When it is none, also where Python would say so in another way: it is nested too deeply,
        has a number of thousands of digits, or text that is not UTF-8 and no name of a file.

    Examples
    --------
    >>> parse_json(b'{"a": 1}')
    {'a': 1}
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ValueError: nested too deeply
    """
    try:
        document = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _SURROGATE.search(
        data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    ):
        # Those that stand for the bytes of a name can be written again, and no others.
        json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return document
