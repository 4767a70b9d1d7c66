"""Which content a file has, remembered by its stamp, so that it need not be hashed each time.

The manifest of an index knows the stamp of the file that was committed. One that was copied, or
edited by hand, has another; what its content was found to be is kept in the cache.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from os import stat
from pathlib import Path

from cbir.core.json_text import read_checked, write_checked

_FILE = "stamp.json"

_SETTLED = 2_000_000_000
"""Nanoseconds since its last change after which a file's next change has another time, on every
file system."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the file system says of a file: equal stamps, equal contents."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Look at the file."""
        status = stat(path)
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


def save_content(folders: Sequence[Path], stamp: Stamp, content: str, generation: str) -> None:
    """Keep what a file with this stamp contains, and the name of the generation that it is of.

    Parameters
    ----------
    folders : sequence of Path
        Where it may be kept, the preferred one first.
    """
    if time.time_ns() - stamp.mtime_ns < _SETTLED:
        return
    fields = [*astuple(stamp), content, generation]
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            write_checked(folder / _FILE, "fields", fields)
            return


def load_content(folders: Sequence[Path], stamp: Stamp) -> tuple[str, str] | None:
    """Return the content and the generation of a file with this stamp, or None."""
    for folder in folders:
        match read_checked(folder / _FILE, "fields"):
            case [*known, content, generation] if known == [*astuple(stamp)]:
                return content, generation
    return None


def drop_content(folders: Sequence[Path]) -> None:
    """Remove what is saved."""
    for folder in folders:
        with contextlib.suppress(OSError):
            (folder / _FILE).unlink()
