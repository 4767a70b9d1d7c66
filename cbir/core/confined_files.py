"""Open files below a folder, and no others: also while somebody puts links in the way.

Who first looks where a path leads, and then opens it, opens what was put there in between. So each
folder is opened from the one above it, and none of them by a link.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack
from io import FileIO

from cbir.core.regular_files import check_regular

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_MOST_LOOKS = 8
"""How often it is looked where a path leads, while links are put in its way."""


class LeadsOutError(OSError):
    """A path leads out of the folder that it was to stay in."""


class _LinkError(Exception):
    """A part of a path is a link."""


def open_beneath(root: str, path: str) -> FileIO:
    """Open a regular file below a folder for reading; unbuffered.

    Links below the folder are followed where they lead to something below it.

    Parameters
    ----------
    root : str
        The folder; it may be a link itself.
    path : str
        Relative to it.

    Raises
    ------
    LeadsOutError
        When it leads out of the folder.
    OSError
        When it cannot be opened, or is anything but a regular file: at once, also for a pipe.
    ValueError
        When no file can have such a path.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as made, open_beneath(*os.path.split(made.name)) as file:
    ...     file.read()
    b''
    """
    parts = path.split("/")
    if os.pardir in parts or os.path.isabs(path):
        parts = _parts_of_target(root, path)
    for _ in range(_MOST_LOOKS):
        try:
            return open(_walked(root, parts), "rb", buffering=0)
        except _LinkError:
            # Where it leads by now is only a text, by which no link is followed.
            parts = _parts_of_target(root, path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _parts_of_target(root: str, path: str) -> list[str]:
    real_root = os.path.realpath(root)
    real = os.path.realpath(os.path.join(real_root, path))
    if os.path.commonpath([real_root, real]) != real_root:
        raise LeadsOutError(errno.EXDEV, "it leads out of the folder", path)
    return os.path.relpath(real, real_root).split(os.sep)


def _walked(root: str, parts: list[str]) -> int:
    """Open a file by the names of folders and its own, none of them a link."""
    with ExitStack() as opened:
        folder = os.open(root, _FOLDER)
        opened.callback(os.close, folder)
        for part in parts[:-1]:
            folder = _folder_in(folder, part)
            opened.callback(os.close, folder)
        return _file_in(folder, parts[-1])


def _folder_in(folder: int, name: str) -> int:
    try:
        return os.open(name or os.curdir, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise _LinkError from None
        raise


def _file_in(folder: int, name: str) -> int:
    # Opening alone can make a device do something.
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        raise _LinkError
    check_regular(name, mode)
    try:
        file = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _LinkError from None
        raise
    try:
        check_regular(name, os.fstat(file).st_mode)
    except BaseException:
        os.close(file)
        raise
    return file
