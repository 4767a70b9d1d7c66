"""Short answers that are given before a request reaches the application."""

from __future__ import annotations

import json
from collections.abc import Iterable

from starlette.types import Scope, Send

Headers = Iterable[tuple[bytes, bytes]]

CLOSING = (b"connection", b"close")
"""The header that announces the end of a connection."""

API = "/api"
"""Where programs ask, and get JSON."""

_OTHERS = (API, "/static", "/healthz", "/metrics")
"""What is not a page."""


async def answer(scope: Scope, send: Send, status: int, reason: str, more: Headers = ()) -> None:
    """Answer a request with a reason, as JSON to programs and as text to people.

    Parameters
    ----------
    scope, send
        Of the request.
    status : int
    reason : str
        In plain words; nothing that the request brought.
    more : iterable of (bytes, bytes), optional
        Headers.
    """
    if is_below(scope["path"], API):
        body, kind = json.dumps({"detail": reason}).encode(), b"application/json"
    else:
        body, kind = f"{reason}\n".encode(), b"text/plain; charset=utf-8"
    length = str(len(body)).encode()
    headers = [(b"content-type", kind), (b"content-length", length), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def is_page(path: str) -> bool:
    """Return whether a path is one that people navigate to.

    Examples
    --------
    >>> is_page("/duplicates"), is_page("/api/search"), is_page("/apiary")
    (True, False, True)
    """
    return not any(is_below(path, other) for other in _OTHERS)


def is_below(path: str, folder: str) -> bool:
    """Return whether a path is `folder` or something in it."""
    return path == folder or path.startswith(f"{folder}/")


def values_of(scope: Scope, name: bytes) -> list[bytes]:
    """Return all values that a request has for a header, whose name is in lower case."""
    return [value for one, value in scope["headers"] if one == name]
