"""Rename a file, but never over another one."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
from collections.abc import Callable

from cbir.core.atomic_files import sync_folder

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def rename_new(source: str, target: str) -> None:
    """Rename a file; what is at `target` is never replaced.

    On Linux this is one step, ``renameat2`` with ``RENAME_NOREPLACE``. Where the system or the
    file system does not know that, the file gets the new name as a hard link before it loses the
    old one: interrupted in between it has both. Only where there are no hard links either, another
    program could make `target` between the look and the rename.

    Raises
    ------
    FileExistsError
        When there is anything at `target`.
    OSError
        When it cannot be renamed; with ``EXDEV`` across file systems.
    """
    if os.name == "nt":
        os.rename(source, target)
        return
    renameat2 = _renameat2()
    if renameat2 is not None:
        names = os.fsencode(source), os.fsencode(target)
        if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE) == 0:
            return
        number = ctypes.get_errno()
        if number not in (errno.ENOSYS, errno.EINVAL):
            raise OSError(number, os.strerror(number), source, None, target)
    _link_and_unlink(source, target)


@functools.cache
def _renameat2() -> Callable[..., int] | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return None
    function.argtypes = [
        ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint,
    ]  # fmt: skip
    return function


def _link_and_unlink(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.rename(source, target)
        return
    sync_folder(os.path.dirname(target))
    try:
        os.unlink(source)
    except OSError:  # it keeps its old name only
        os.unlink(target)
        raise
