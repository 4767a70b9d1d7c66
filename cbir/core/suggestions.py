"""What somebody may have meant who mistyped a name."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return a question that goes behind a message, or nothing when no name is close.

    Examples
    --------
    >>> did_you_mean("serch", ["index", "search"])
    "; did you mean 'search'?"
    >>> did_you_mean("paint", ["index", "search"])
    ''
    """
    from difflib import get_close_matches

    by_key = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), by_key, n=1)
    return f"; did you mean {by_key[close[0]]!r}?" if close else ""
