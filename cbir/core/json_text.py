"""JSON that may be damaged or made to do harm."""

from __future__ import annotations

import contextlib
import json
import re
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

from cbir.core.atomic_files import written_aside
from cbir.core.errors import excerpt

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


def parse_json(data: bytes | str, unique_names: bool = False) -> Any:
    """Parse a JSON document.

    Parameters
    ----------
    data : bytes or str
    unique_names : bool
        Refuse an object that has a name twice, of which the last one counts otherwise.

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
        document = json.loads(data, object_pairs_hook=_unique if unique_names else None)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        if type(error) is ValueError:  # of a whole number; it names a setting of Python
            raise ValueError("a number of thousands of digits") from None
        raise
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if _SURROGATE.search(raw):
        # Those that stand for the bytes of a name can be written again, and no others.
        json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return document


class RepeatedNameError(ValueError):
    """An object that has a name twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise RepeatedNameError(f"an object has the name {excerpt(twice, 100)!r} twice")
    return document


def json_checksum(document: Any) -> int:
    """Return the CRC-32 of a document, however its text is laid out."""
    return zlib.crc32(json.dumps(document, sort_keys=True).encode())


def write_checked(path: Path, name: str, value: Any) -> None:
    """Write a value with its checksum; it is not made durable, for it can be computed again."""
    document = {name: value, "checksum": json_checksum(value)}
    with written_aside(str(path), durable=False) as file:
        file.write(json.dumps(document).encode())


def read_checked(path: Path, name: str) -> Any:
    """Return what :func:`write_checked` wrote, or None when it is missing or damaged."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        document = parse_json(path.read_bytes())
        if document["checksum"] == json_checksum(document[name]):
            return document[name]
    return None
