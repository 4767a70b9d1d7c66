"""The guard of everything that is written for the user: it replaces only files of the same kind.

A kind is known by a mark inside of the file. Anything else that is in the way (an image, an index,
a page of another kind, a folder, a device, a pipe, a link that leads nowhere) is never replaced. A
link to a file that may be replaced stays a link.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cbir.core.atomic_files import explained, written_aside
from cbir.core.errors import CbirError, UsageError, printable
from cbir.core.renaming import rename_new


@dataclass(frozen=True, slots=True)
class Output:
    """A kind of file that the program writes.

    Attributes
    ----------
    name : str
        What it is, for messages, as in ``the montage``.
    remedy : str
        What helps when it is refused.
    is_ours : callable
        Says whether a regular file is of this kind. It raises nothing but OSError.
    extensions : tuple of str
        How its name must end, in lower case; any way where there is none.
    """

    name: str
    remedy: str
    is_ours: Callable[[str], bool]
    extensions: tuple[str, ...] = ()

    def check(self, path: str, in_use: Iterable[str | None] = ()) -> None:
        """Make sure that the file may be written: before the work, and again at its end.

        Parameters
        ----------
        path : str
        in_use : iterable of str or None
            Files that the same command reads or writes; none of them may be replaced, whatever
            is in it.

        Raises
        ------
        UsageError
            When its name ends otherwise.
        CbirError
            When the folder is missing, or something else is in the way.
        """
        if self.extensions and os.path.splitext(path)[1].lower() not in self.extensions:
            *first, last = self.extensions
            endings = f"{', '.join(first)} or {last}" if first else last
            raise UsageError(f"{printable(path)}: the name of {self.name} must end with {endings}")
        folder = os.path.dirname(path) or "."
        if not os.path.isdir(folder):
            raise self._refusal(path, f"there is no folder {printable(folder)}")
        obstacle = self._obstacle(path)
        if obstacle is not None:
            raise self._refusal(path, obstacle)
        if any(used and os.path.realpath(used) == os.path.realpath(path) for used in in_use):
            raise self._refusal(path, "the same command uses this file for something else")

    @contextlib.contextmanager
    def written(self, path: str) -> Iterator[BinaryIO]:
        """Open a new file that takes the place of `path` when the block ends well.

        Raises
        ------
        CbirError
            When it cannot be written, or may not be any more.
        """

        def place(aside: str, target: str) -> None:
            self.check(path)
            if os.path.lexists(target):
                os.replace(aside, target)
            else:
                rename_new(aside, target)

        self.check(path)
        target = os.path.realpath(path)
        with explained(path, f"write {self.name}"), written_aside(target, place=place) as file:
            yield file

    def _obstacle(self, path: str) -> str | None:
        """Say what is in the way; None if nothing is, or what may be replaced."""
        try:
            mode = os.stat(path).st_mode
        except FileNotFoundError:
            return "this is a link that leads nowhere" if os.path.islink(path) else None
        except (OSError, ValueError) as error:  # a loop of links, a NUL in the name
            return getattr(error, "strerror", None) or str(error)
        if stat.S_ISDIR(mode):
            return "this is a folder"
        if not stat.S_ISREG(mode):
            return "this is no regular file"
        try:
            ours = self.is_ours(path)
        except OSError:
            ours = False
        return None if ours else "this file is there and was not made by this program"

    def _refusal(self, path: str, reason: str) -> CbirError:
        return CbirError(
            f"{printable(path)}: {reason}, so {self.name} cannot be written; ", self.remedy
        )
