"""One writer at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from cbir.core.atomic_files import explained
from cbir.core.errors import CbirError, printable
from cbir.core.messages import Parameter


@contextlib.contextmanager
def writer_lock(folder: str, index: str, wait: bool) -> Iterator[None]:
    """Hold the writer's lock of an index; the death of its holder releases it.

    Parameters
    ----------
    folder : str
        Where the lock file is.
    index : str
        The index, for messages.
    wait : bool
        Wait for another writer instead of failing.

    Raises
    ------
    CbirError
        When another process holds the lock and `wait` is false; its PID is named.
    """
    from filelock import FileLock, Timeout

    path, holder = os.path.join(folder, "lock"), os.path.join(folder, "lock.pid")
    lock = FileLock(path, timeout=-1 if wait else 0)
    with explained(index, "lock the index"):
        try:
            lock.acquire()
        except Timeout:
            raise CbirError(
                f"{printable(index)}: process {_read(holder)} is writing to this index;"
                " wait for it with ",
                Parameter("wait", True),
            ) from None
    try:
        with explained(index, "lock the index"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(holder)
            with open(holder, "x") as file:
                file.write(str(os.getpid()))
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(holder)
        lock.release()


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return printable(file.read(20)) or "unknown"
    except (OSError, ValueError):
        return "unknown"
