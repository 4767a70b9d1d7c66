"""Locks between processes: the death of its holder releases each of them."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from cbir.core.atomic_files import explained
from cbir.core.errors import printable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class LockedError(Exception):
    """Somebody else has a lock: who, as far as that can be found out."""


def flock(descriptor: int, exclusive: bool) -> bool:
    """Lock an open file or folder; say whether the system and the file system can do that.

    Raises
    ------
    LockedError
        When somebody else holds it.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise LockedError(f"another run{_holder(descriptor)}") from None
        return False
    return True


@contextlib.contextmanager
def locked_file(path: str, wait: bool) -> Iterator[None]:
    """Hold a lock file; the file beside it, ``.pid``, names the process that does.

    Raises
    ------
    LockedError
        When somebody else holds it and `wait` is false.
    OSError
        When it cannot be made.
    """
    from filelock import FileLock, Timeout

    lock, holder = FileLock(path, timeout=-1 if wait else 0), f"{path}.pid"
    try:
        lock.acquire()
    except Timeout:
        raise LockedError(f"process {_read(holder)}") from None
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(holder)
        with open(holder, "x") as file:
            file.write(str(os.getpid()))
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(holder)
        lock.release()


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

    path = os.path.join(platformdirs.user_state_dir("cbir", appauthor=False), f"{name}.lock")
    with contextlib.ExitStack() as held:
        with explained(path, "lock"):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            try:
                held.enter_context(locked_file(path, wait))
            except LockedError as holder:
                raise LockedError(f"{printable(path)}: another run ({holder})") from None
        yield


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return printable(file.read(20)) or "unknown"
    except (OSError, ValueError):
        return "unknown"


def _holder(descriptor: int) -> str:
    """Name the process that holds a lock of a file or folder, where the system tells."""
    status = os.fstat(descriptor)
    file = f":{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with contextlib.suppress(OSError, ValueError), open("/proc/locks") as locks:
        for line in locks:  # 1: FLOCK  ADVISORY  WRITE 1234 fd:00:5678 0 EOF
            words = line.split()
            if words[1] == "FLOCK" and f":{words[5]}" == file and int(words[4]) > 0:
                return f" (process {words[4]})"
    return ""
