"""What can go wrong, as exceptions with a message a user can act on."""

from __future__ import annotations

import copyreg
from collections.abc import Sequence
from typing import Any

from cbir.core.messages import Message, Part
from cbir.core.text import path_bytes

_FEW = 5
"""Paths that a message names."""

_EXCERPT = 80
"""Characters that a message shows of what a file says."""


class CbirError(Exception):
    """Base of every error that cbir raises on purpose.

    The message names the thing, the reason and the remedy. An error can be pickled, also where a
    subclass is made from something else than its message.

    Parameters
    ----------
    parts : str, Parameter, Call, Message or CbirError
        What the message is made of.
    """

    def __init__(self, *parts: Part) -> None:
        super().__init__(*parts)

    @property
    def message(self) -> Message:
        """The message, which can be said in other words than those of the API."""
        return Message(*self.args)

    def __str__(self) -> str:
        return str(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        # Made as by `__new__`, not by the parameters of a subclass.
        return copyreg.__newobj__, (type(self), *self.args), dict(vars(self))  # type: ignore[attr-defined]


class NoSpaceError(CbirError):
    """The disk is full, or what the user may use of it."""


class NoWritingError(CbirError):
    """The system lets nothing be written there."""


class UsageError(CbirError):
    """The call itself makes no sense (exit code 2 on the command line)."""


class UnreadableImageError(CbirError):
    """A file that cannot be read as an image.

    Parameters
    ----------
    path : str
        The file, as it was named to us.
    reason : str
        Why, in a few words.
    remedy : str, optional
        What helps, where something does. Images with the same remedy are reported together.
    """

    def __init__(self, path: str, reason: str, remedy: str = "") -> None:
        self.path = path
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{printable(path)}: {reason}{f' ({remedy})' if remedy else ''}")


class BrokenIndexError(CbirError):
    """An index that is missing, damaged or not what was asked for."""


class MissingIndexError(BrokenIndexError):
    """An index that does not exist."""


class IncompleteIndexError(CbirError):
    """An index that lacks what is needed of its images."""


def printable(text: str) -> str:
    r"""Return `text` on one line, safe for a terminal.

    Control characters and bytes that are not UTF-8 are written as escapes.

    Examples
    --------
    >>> printable("a\nb")
    'a\\nb'
    """
    readable = path_bytes(text).decode("utf-8", "backslashreplace")
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in readable
    )


def excerpt(text: str, most: int = _EXCERPT) -> str:
    r"""Return what a file says as part of a message: :func:`printable`, and no longer than `most`.

    Of a longer text, the beginning and the end are there, which tell names with folders apart.

    Examples
    --------
    >>> excerpt("a\nb"), excerpt("a" * 1000 + ".jpg", 20)
    ('a\\nb', 'aaaaaaaaaaaaaa…a.jpg')
    """
    # A character may take ten, but none takes less than one.
    long = len(text) > 2 * most
    whole = printable(text[:most] + text[-most:] if long else text)
    if len(whole) <= most:
        return whole
    end = most // 4
    return f"{whole[: most - end - 1]}…{whole[len(whole) - end :]}"


def first_few(paths: Sequence[str]) -> str:
    """Return paths as part of a message: the first five, and how many more there are.

    Examples
    --------
    >>> first_few(["a.jpg", "b.jpg"]), first_few([f"{letter}.jpg" for letter in "abcdefg"])
    ('a.jpg, b.jpg', 'a.jpg, b.jpg, c.jpg, d.jpg, e.jpg and 2 more')
    """
    more = f" and {len(paths) - _FEW:,} more" if len(paths) > _FEW else ""
    return ", ".join(map(printable, paths[:_FEW])) + more


def shown(message: str) -> str:
    r"""Return a message, of one line or several, safe for a terminal.

    Examples
    --------
    >>> shown("a\x1b[1m\nb")
    'a\\x1b[1m\nb'
    """
    return "\n".join(map(printable, message.split("\n")))


def cause_of(error: BaseException) -> str:
    """Return the type and the text of an error of another package, which may fail to give it.

    Examples
    --------
    >>> cause_of(ZeroDivisionError("by zero"))
    'ZeroDivisionError: by zero'
    """
    try:
        text = str(error)
    except Exception:
        text = "it cannot say why"
    return f"{type(error).__name__}: {text}"


def reason_of(error: OSError) -> str:
    """Return the operating system's words for `error`, without the number and the path."""
    return (error.strerror or str(error)).lower()
