"""Arguments of the wrong type, told as what was expected and not by a traceback from within."""

from __future__ import annotations

import os

from cbir.errors import UsageError


def path_of(value: object, what: str) -> str:
    """Return a path as text.

    Raises
    ------
    UsageError
        When it is neither text nor an ``os.PathLike`` of text.

    Examples
    --------
    >>> path_of(None, "an index")
    Traceback (most recent call last):
    cbir.errors.UsageError: an index is named by a path, not by None
    """
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(path, str):
        raise UsageError(f"{what} is named by a path, not by {_named(value)}")
    return path


def text_of(value: object, what: str) -> str:
    """Return a name as it is.

    Raises
    ------
    UsageError
        When it is no text.

    Examples
    --------
    >>> text_of("hsv", "a descriptor")
    'hsv'
    """
    if not isinstance(value, str):
        raise UsageError(f"{what} is named by text, not by {_named(value)}")
    return value


def _named(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"
