"""Images to look for, as they are named on the command line and on standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cbir.core.errors import CbirError, UsageError
from cbir.search.query_files import list_queries

_LONGEST_LIST = 1 << 28
"""Bytes of a list of paths at most."""


def check_streams(queries: Sequence[str], from0: bool, null: bool, format_: str | None) -> None:
    """Refuse what the options about standard input and standard output cannot mean together."""
    if from0 and "-" not in queries:
        raise UsageError("--from0 is about standard input; it goes with --query -")
    if null and format_ not in (None, "paths"):
        raise UsageError(f"--null prints paths only; leave out --format {format_}")


def query_paths(queries: Sequence[str], from0: bool) -> list[str]:
    """Return the images that are asked for.

    Parameters
    ----------
    queries : sequence of str
        Files, folders, and ``-`` for paths on standard input.
    from0 : bool
        Paths on standard input end with NUL, not with a line feed.

    Raises
    ------
    CbirError
        When there is none, or standard input is no list of paths.
    """
    paths = list[str]()
    for query in queries:
        paths += _from_standard_input(from0) if query == "-" else list_queries(query)
    if not paths:
        raise CbirError("no query: standard input names no image")
    return paths


def _from_standard_input(from0: bool) -> list[str]:
    if sys.stdin is None:
        raise CbirError("standard input is closed; name the images, or open it")
    data = sys.stdin.buffer.read(_LONGEST_LIST + 1)
    if len(data) > _LONGEST_LIST:
        raise CbirError(
            f"standard input has more than {_LONGEST_LIST >> 20} MiB; it must be a list of paths"
        )
    if b"\0" in data and not from0:
        raise CbirError(
            "standard input must be a list of paths, one a line, or separated by NUL with --from0;"
            " this has a NUL"
        )
    names = data.split(b"\0" if from0 else b"\n")
    return [os.fsdecode(name) for name in names if name]
