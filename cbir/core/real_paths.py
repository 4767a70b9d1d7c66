"""Where a path really leads, also while links on it are replaced."""

from __future__ import annotations

import os

from cbir.core.errors import CbirError, printable

_MOST_LOOKS = 8


class UnsteadyPathError(CbirError):
    """Links on a path are replaced all the time."""


def real_path(path: str) -> str:
    """Return a path with all links followed.

    Other than :func:`os.path.realpath`, it does not fail when a link stops being one just when it
    is read.

    Raises
    ------
    UnsteadyPathError
        When that happens again and again.

    Examples
    --------
    >>> real_path("/")
    '/'
    """
    for _ in range(_MOST_LOOKS):
        try:
            return os.path.realpath(path)
        except OSError:
            continue
    raise UnsteadyPathError(
        f"{printable(path)}: links on the way to it are replaced all the time; try again when that"
        " is over"
    )
