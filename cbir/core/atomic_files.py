"""Files that are written aside, made durable, and then put in place."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, NoSpaceError, NoWritingError, printable, reason_of

_REMEDIES = {
    errno.ENOSPC: "; free some space and run the same command again",
    errno.EFBIG: "; the file system or a limit allows no larger file",
    errno.EACCES: "; choose a folder that you may write to",
    errno.EROFS: "; choose a folder that you may write to",
}

_CLASSES: Mapping[int, type[CbirError]] = {
    errno.ENOSPC: NoSpaceError,
    errno.EDQUOT: NoSpaceError,
    errno.EACCES: NoWritingError,
    errno.EPERM: NoWritingError,
    errno.EROFS: NoWritingError,
}


@contextlib.contextmanager
def explained(path: str, doing: str) -> Iterator[None]:
    """Turn an operating system's error into one that names the file, the reason and the remedy."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else reason_of(error)
        hint = _REMEDIES.get(error.errno or 0, "")
        kind = kind_of(error.errno)
        raise kind(f"{printable(path)}: cannot {doing}: {reason}{hint}") from None


def kind_of(number: int | None) -> type[CbirError]:
    """Return the class of the error that tells of one of the operating system's.

    Examples
    --------
    >>> kind_of(errno.ENOSPC).__name__, kind_of(errno.EIO).__name__
    ('NoSpaceError', 'CbirError')
    """
    return _CLASSES.get(number or 0, CbirError)


@contextlib.contextmanager
def written_aside(
    path: str,
    durable: bool = True,
    place: Callable[[str, str], None] | None = None,
    sync_name: bool = True,
) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` when the block ends well.

    Until then `path` is untouched; when the block fails, nothing is left behind. `place` puts the
    new file in place, unless told otherwise by replacing what is there. Without `sync_name` only
    the content is durable, and the caller makes its name so with those of further files.
    """
    # Nobody can put a link there first: its name is random, and it must not be there yet.
    aside = f"{path}.{secrets.token_hex(6)}.new"
    try:
        with open(aside, "xb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        (place or os.replace)(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise
    if durable and sync_name:
        sync_folder(os.path.dirname(path))


def unshare(path: str) -> None:
    """Make a file one of its own if it has several names, so that writing to it changes no other.

    Backups often are hard links.
    """
    if os.stat(path).st_nlink > 1:
        with open(path, "rb") as source, written_aside(path, durable=False) as file:
            shutil.copyfileobj(source, file)


def sync_folder(folder: str) -> None:
    """Make renames in `folder` durable, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def save_arrays(path: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as an ``.npz`` file, durably."""
    with written_aside(path) as file:
        write_arrays(file, arrays)


def write_arrays(file: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays to an open file, in the format of ``.npz``."""
    # The stubs fear that an array is called `allow_pickle`, which numpy 2.0 would store as one.
    np.savez(file, **dict(sorted(arrays.items())))  # type: ignore[arg-type]
