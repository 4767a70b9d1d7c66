"""What is the user's alone: what others may write to is neither believed nor cleared."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_ONLY_MINE, _USUAL = 0o700, 0o777
_WRITABLE_BY_OTHERS = 0o022


def is_ours(status: os.stat_result) -> bool:
    """Say whether nobody but its owner, we, may write to what has this status."""
    return not hasattr(os, "geteuid") or (
        status.st_uid == os.geteuid() and not status.st_mode & _WRITABLE_BY_OTHERS
    )


def is_private(path: Path) -> bool:
    """Say whether this is a folder, and no link to one, of which only its owner, we, may write.

    Raises
    ------
    OSError
        When that cannot be seen.
    """
    status = os.lstat(path)
    return is_ours(status) and stat.S_ISDIR(status.st_mode)


def can_be_private(path: Path) -> bool:
    """Say whether there is a private folder, or nothing that would be in its place."""
    try:
        return is_private(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def make_folder(path: Path) -> None:
    """Make a folder and those above it; those in the user's cache folder are private.

    Raises
    ------
    OSError
        When it cannot be made.
    """
    import platformdirs

    missing = [one for one in (path, *path.parents) if not one.exists()]
    is_of_user = path.is_relative_to(platformdirs.user_cache_dir("cbir"))
    for one in reversed(missing):
        one.mkdir(mode=_ONLY_MINE if is_of_user else _USUAL, exist_ok=True)
