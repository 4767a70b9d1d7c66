"""One run that changes files at a time in a folder, in those below it and in those above it.

A run holds the folders from which it removes files exclusively, and shares each folder above them
and those that only hold what is kept. So runs on the same, nested or overlapping datasets exclude
each other, and so do two runs of which each relies on what the other may remove; two runs that
merely rely on the same folder do not. The locks are of the kind ``flock``, on the folders
themselves: they need no right to write, leave no file and end with the process that holds them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterable, Iterator

from cbir.core.atomic_files import explained
from cbir.core.errors import CbirError, printable
from cbir.core.messages import Parameter

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_MOST_FOLDERS = 200
"""So many locks keep below any system's limit of open files."""

_PAUSE = 0.1
"""Seconds between two attempts."""


class LockedError(Exception):
    """Somebody else has a lock; with its folder, and the process where it can be found."""


@contextlib.contextmanager
def locked(
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
    CbirError
        When another run holds one of them and `wait` is false.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked([os.path.realpath(folder)]):
    ...     pass
    """
    removing, keeping = set(exclusive), set(shared)
    if len(keeping) > _MOST_FOLDERS:  # the folder above them cannot be shared for all below it
        removing, keeping = removing | set(_few(keeping)), set()
    folders = _few(removing), sorted(keeping)
    with contextlib.ExitStack() as locks:
        while True:
            try:
                with contextlib.ExitStack() as attempt:
                    _acquire(attempt, *folders)
                    locks.push(attempt.pop_all())
                break
            except LockedError as held:
                if not wait:
                    raise CbirError(
                        f"{held} is moving, linking or deleting files there; wait until it is"
                        " done, or wait for it with ",
                        Parameter("wait", True),
                    ) from None
                time.sleep(_PAUSE)
        yield


@contextlib.contextmanager
def user_lock(name: str, wait: bool = True) -> Iterator[None]:
    """Hold a lock file in the folder where programs keep the user's state.

    Raises
    ------
    LockedError
        When somebody else holds it and `wait` is false.
    CbirError
        When the lock file cannot be made.
    """
    import platformdirs
    from filelock import FileLock, Timeout

    path = os.path.join(platformdirs.user_state_dir("cbir", appauthor=False), f"{name}.lock")
    with explained(path, "lock"):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        lock = FileLock(path, timeout=-1 if wait else 0)
        with contextlib.suppress(Timeout):
            lock.acquire()
    if not lock.is_locked:
        raise LockedError(f"{printable(path)}: another run")
    try:
        yield
    finally:
        lock.release()


def _few(folders: set[str]) -> list[str]:
    """Return the folders, or the one above them all when there are too many to be held."""
    if len(folders) <= _MOST_FOLDERS:
        return sorted(folders)
    with contextlib.suppress(ValueError):  # on several drives
        return [os.path.commonpath(folders)]
    return sorted({os.path.splitdrive(folder)[0] + os.sep for folder in folders})


def _acquire(held: contextlib.ExitStack, exclusive: list[str], shared: list[str]) -> None:
    """Lock everything, or raise :class:`LockedError`."""
    modes = {above: False for folder in (*exclusive, *shared) for above in _with_above(folder)}
    modes.update(dict.fromkeys(exclusive, True))
    if fcntl is None or not _lock_folders(held, modes):
        # Then one run of a user acts at a time, whatever its folders.
        held.enter_context(user_lock("actions", wait=False))


def _with_above(folder: str) -> Iterator[str]:
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
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
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
            fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise LockedError(f"{printable(folder)}: {_holder(descriptor)}") from None
            complete = False
    return complete


def _holder(descriptor: int) -> str:
    """Name the process that holds a lock of a folder, where the system tells."""
    status = os.fstat(descriptor)
    file = f":{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with contextlib.suppress(OSError, ValueError), open("/proc/locks") as locks:
        for line in locks:  # 1: FLOCK  ADVISORY  WRITE 1234 fd:00:5678 0 EOF
            words = line.split()
            if words[1] == "FLOCK" and f":{words[5]}" == file and int(words[4]) > 0:
                return f"another run (process {words[4]})"
    return "another run"
