"""One run that changes files at a time in a folder, in those below it and in those above it.

A run holds the folders from which it removes files exclusively, and shares each folder above them
and those that only hold what is kept. So runs on the same, nested or overlapping datasets exclude
each other, and so do two runs of which each relies on what the other may remove; two runs that
merely rely on the same folder do not. The locks are of the kind ``flock``, on the folders
themselves: they need no right to write, leave no file and end with the process that holds them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator

from cbir.core.errors import CbirError, printable
from cbir.core.locks import LockedError, flock, user_lock
from cbir.core.messages import Parameter

_DIRECTORY = getattr(os, "O_DIRECTORY", 0)

_MOST_FOLDERS = 200
"""So many locks keep below any system's limit of open files."""

_PAUSE = 0.1
"""Seconds between two attempts."""


class FoldersInUseError(CbirError):
    """Another run is changing files there."""


@contextlib.contextmanager
def locked_folders(
    exclusive: Iterable[str], shared: Iterable[str] = (), wait: bool = False
) -> Iterator[None]:
    """Hold folders while the block runs.

    Parameters
    ----------
    exclusive : iterable of str
        Folders from which files are removed; absolute, without symbolic links.
    shared : iterable of str
        Folders with files that have to stay.
    wait : bool
        Wait for other runs instead of failing.

    Raises
    ------
    FoldersInUseError
        When another run holds one of them and `wait` is false.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked_folders([os.path.realpath(folder)]):
    ...     pass
    """
    removing, keeping = set(exclusive), set(shared)
    if len(keeping) > _MOST_FOLDERS:  # the folder above them cannot be shared for all below it
        removing, keeping = removing | set(_few(keeping)), set()
    few = _few(removing)
    modes = {above: False for folder in (*few, *keeping) for above in _with_parents(folder)}
    modes.update(dict.fromkeys(few, True))
    with contextlib.ExitStack() as held:
        while True:
            try:
                with contextlib.ExitStack() as attempt:
                    if not _lock_folders(attempt, modes):
                        # Then one run of a user acts at a time, whatever its folders.
                        attempt.enter_context(user_lock("actions", wait=False))
                    held.push(attempt.pop_all())
                break
            except LockedError as holder:
                if not wait:
                    raise FoldersInUseError(
                        f"{holder} is changing files there; wait until it is"
                        " done, or wait for it with ",
                        Parameter("wait", True),
                    ) from None
                time.sleep(_PAUSE)
        yield


def _few(folders: set[str]) -> list[str]:
    """Return the folders, or the one above them all when there are too many to be held."""
    if len(folders) <= _MOST_FOLDERS:
        return sorted(folders)
    with contextlib.suppress(ValueError):  # on several drives
        return [os.path.commonpath(folders)]
    return sorted({os.path.splitdrive(folder)[0] + os.sep for folder in folders})


def _with_parents(folder: str) -> Iterator[str]:
    yield folder
    while os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
        yield folder


def _lock_folders(held: contextlib.ExitStack, modes: dict[str, bool]) -> bool:
    """Lock folders by path; say whether the file systems can do that for all that matter."""
    opened: dict[tuple[int, int], tuple[str, int, bool]] = {}
    complete = True
    for folder in sorted(modes):
        try:
            descriptor = os.open(folder, os.O_RDONLY | _DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            continue  # nothing can be removed from it
        except OSError:
            # A folder that this user cannot list is no dataset of this user's.
            complete &= not modes[folder]
            continue
        held.callback(os.close, descriptor)
        status = os.fstat(descriptor)
        identity = status.st_dev, status.st_ino
        # One folder can have two paths, by bind mounts, and must not be in its own way.
        _, _, already = opened.get(identity, ("", 0, False))
        opened[identity] = folder, descriptor, modes[folder] or already
    for folder, descriptor, exclusive in opened.values():
        try:
            complete &= flock(descriptor, exclusive)
        except LockedError as holder:
            raise LockedError(f"{printable(folder)}: {holder}") from None
    return complete
