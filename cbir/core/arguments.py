"""Arguments of the wrong type, told as what was expected and not by a traceback from within."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, cast

from cbir.core.errors import UsageError, printable
from cbir.core.suggestions import did_you_mean


def path_text_of(value: object, what: str) -> str:
    """Return a path as text, whether or not there can be such a file.

    Raises
    ------
    UsageError
        When it is neither text nor an ``os.PathLike`` of text, or no name of a file.
    """
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(path, str):
        raise UsageError(f"{what} must be a path, not {_type_text(value)}")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise UsageError(
            f"{path!a}: the path of {what} has a character that no file name has"
        ) from None
    return path


def path_of(value: object, what: str) -> str:
    r"""Return a path as text.

    Raises
    ------
    UsageError
        When it is neither text nor an ``os.PathLike`` of text, or has a NUL.

    Examples
    --------
    >>> path_of(None, "an index")
    Traceback (most recent call last):
    cbir.core.errors.UsageError: an index must be a path, not None
    >>> path_of("a\0b", "an index")
    Traceback (most recent call last):
    cbir.core.errors.UsageError: a\x00b: the path of an index cannot have a NUL character
    """
    path = path_text_of(value, what)
    if "\0" in path:
        raise UsageError(f"{printable(path)}: the path of {what} cannot have a NUL character")
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
        raise UsageError(f"{what} must be text, not {_type_text(value)}")
    return value


def one_of(value: object, names: Collection[str], what: str) -> str:
    """Return a name if it is one of `names`.

    Raises
    ------
    UsageError
        When it is not.

    Examples
    --------
    >>> one_of("nea", ("all", "near"), "level")
    Traceback (most recent call last):
    cbir.core.errors.UsageError: there is no level 'nea'; there are: all, near; did you mean 'near'?
    """
    name = text_of(value, f"a {what}")
    if name not in names:
        raise UsageError(
            f"there is no {what} {name!r}; there are: {', '.join(names)}{did_you_mean(name, names)}"
        )
    return name


def each_of(values: object, what: str) -> Iterator[Any]:
    """Return the items of an iterable; text or a path is one item itself.

    Raises
    ------
    UsageError
        When it is no iterable, or bytes.

    Examples
    --------
    >>> list(each_of("hsv", "a descriptor")), list(each_of(["hsv", "hog"], "a descriptor"))
    (['hsv'], ['hsv', 'hog'])
    """
    if isinstance(values, str | os.PathLike):
        return iter((values,))
    try:
        if not isinstance(values, bytes | bytearray):
            return iter(cast("Iterable[Any]", values))
    except TypeError:
        pass
    raise UsageError(f"give {what}, or several in a list, not {_type_text(values)}")


def tuple_of(
    values: object, what: str, each: Callable[[object, str], str] = text_of
) -> tuple[str, ...]:
    """Return the items of :func:`each_of`, each one checked.

    Examples
    --------
    >>> tuple_of("*.jpg", "a pattern"), tuple_of((), "a pattern")
    (('*.jpg',), ())
    """
    return tuple(each(value, what) for value in each_of(values, what))


def check_type(value: object, expected: Any, what: str) -> None:
    """Check that an object is an instance of a class, or of one of several that ``|`` joins.

    Raises
    ------
    UsageError
        When it is not.

    Examples
    --------
    >>> check_type(5, dict, "the options")
    Traceback (most recent call last):
    cbir.core.errors.UsageError: the options must be of type dict, not an object of type int
    """
    if not isinstance(value, expected):
        name = getattr(expected, "__name__", expected)
        raise UsageError(f"{what} must be of type {name}, not {_type_text(value)}")


def _type_text(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"
