"""The fields of an address: read and written so that every file name survives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, quote, urlencode

from cbir.core.errors import UsageError

Pairs = Sequence[tuple[str, str]]
"""Names and values, in order; a name may be there several times."""

PATHS = ("path", "like", "unlike", "result", "example")
"""The fields that name images of the index."""

_MOST = 500
"""Fields of an address."""


def parsed(query_string: bytes) -> list[tuple[str, str]]:
    r"""Return the fields of an address; only in a path, bytes that are not UTF-8 stay.

    Raises
    ------
    UsageError
        When there are too many.

    Examples
    --------
    >>> parsed(b"path=%C3%A4+%FF&top=")
    [('path', 'ä \udcff'), ('top', '')]
    """
    text = query_string.decode("utf-8", "surrogateescape")
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MOST
        )
    except ValueError:
        raise UsageError(f"an address has up to {_MOST} fields") from None
    return [(_clean(name), value if name in PATHS else _clean(value)) for name, value in pairs]


def refuse(query_string: bytes) -> None:
    """Refuse an address with fields where a form is sent: they would be ignored.

    Raises
    ------
    UsageError
        When there are any.
    """
    if query_string:
        raise UsageError("the address has fields; send them as those of the form")


def _clean(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def address(path: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return an address with fields.

    Examples
    --------
    >>> address("/search", [("path", "a b&c.jpg")])
    '/search?path=a%20b%26c.jpg'
    """
    fields = urlencode(list(pairs), quote_via=quote, errors="surrogateescape")
    return f"{path}?{fields}" if fields else path
