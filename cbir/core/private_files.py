"""Write to files of the program's own, and never to what somebody put in their places.

Who opens a link for writing changes the file that it leads to, and a hard link is one file with
another name: what looks like a note of the program could be something of the user's.
"""

from __future__ import annotations

import os
import stat
from io import FileIO

_FLAGS = sum(
    getattr(os, name, 0)
    for name in ("O_RDWR", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY", "O_CLOEXEC")
)


def open_private(path: str, create: bool = True) -> FileIO:
    """Open a file for reading and writing, at its beginning; unbuffered. Nothing is cut off.

    Parameters
    ----------
    path : str
    create : bool
        Make it if it is missing.

    Raises
    ------
    OSError
        When it cannot be opened, is a link or has further names, or is no regular file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, open_private(f"{folder}/note") as file:
    ...     file.write(b"a note")
    6
    """
    check_private(path)  # opening alone can make a device do something
    descriptor = os.open(path, _FLAGS | (os.O_CREAT if create else 0), 0o666)
    try:
        _check(os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return open(descriptor, "r+b", buffering=0)


def check_private(path: str) -> None:
    """Make sure that what is at a path, if anything, may be written to.

    Raises
    ------
    OSError
        When it is a link, has further names, or is no regular file.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    _check(status)


def _check(status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError("it is a link, by which another file would be changed; remove it")
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is no regular file; remove it")
    if status.st_nlink > 1:
        raise OSError("it has another name, by which it would be changed, too; put a copy there")
