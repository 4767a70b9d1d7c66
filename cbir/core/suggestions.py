"""What somebody may have meant who mistyped a name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

OTHER_WORDS = {
    "benchmark": "evaluate", "measure": "evaluate",
    "build": "index", "create": "index",
    "copies": "duplicates", "dedup": "duplicates", "dedupe": "duplicates",
    "find": "search", "query": "search",
    "help": "docs", "manual": "docs",
    "learn": "train",
    "link": "hardlink",
    "remove": "delete", "rm": "delete", "trash": "delete",
    "show": "info", "status": "info",
}  # fmt: skip
"""What other programs call what has another name here."""


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return a question that goes behind a message, or nothing when no name is close.

    Examples
    --------
    >>> did_you_mean("serch", ["index", "search"])
    "; did you mean 'search'?"
    >>> did_you_mean("find", ["index", "search"])
    "; did you mean 'search'?"
    >>> did_you_mean("paint", ["index", "search"])
    ''
    """
    by_key = {name.lower(): name for name in names}
    other = OTHER_WORDS.get(word.lower())
    return _question(by_key[other] if other in by_key else _nearest(word, by_key))


def which_folder(path: str) -> str:
    """Return a question after a folder beside `path` that has nearly its name, or nothing."""
    beside, name = os.path.split(os.path.normpath(path))
    try:
        with os.scandir(beside or ".") as entries:
            folders = {entry.name.lower(): entry.path for entry in entries if entry.is_dir()}
    except (OSError, ValueError):  # no folder either, or a NUL in the path
        return ""
    near = _nearest(name, folders)
    return _question(near and os.path.normpath(near))


def _nearest(word: str, by_key: Mapping[str, str]) -> str | None:
    from difflib import get_close_matches

    close = get_close_matches(word.lower(), by_key, n=1)
    return by_key[close[0]] if close else None


def _question(meant: str | None) -> str:
    return f"; did you mean {meant!r}?" if meant else ""
