"""Which files may not be changed: when a plan is made, and when it comes to it."""

from __future__ import annotations

import os
import stat

from cbir.core.errors import reason_of
from cbir.core.messages import Message, Part


class RefusedError(Exception):
    """A file that is left out of a plan, and why."""

    def __init__(self, *reason: Part) -> None:
        super().__init__(*reason)
        self.reason = Message(*reason)


class StepRefusedError(Exception):
    """A step that must not be taken, with the reason."""


def status_of(path: str) -> os.stat_result | None:
    """Return what is at a path, or None where nothing can be seen."""
    try:
        return os.lstat(path)
    except (OSError, ValueError):
        return None


def regular(path: str) -> os.stat_result:
    """Return the status of a regular file.

    Raises
    ------
    RefusedError
        When it is none.
    """
    try:
        status = os.lstat(path)
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        raise RefusedError(f"it cannot be looked at: {reason}") from None
    if stat.S_ISLNK(status.st_mode):
        raise RefusedError("it is a symbolic link: it takes no room, and its target stays")
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError("it is not a regular file")
    return status
