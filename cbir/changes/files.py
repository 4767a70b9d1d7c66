"""Steps on files that overwrite nothing and never leave an image without a name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator

from cbir.changes.attributes import check_kept
from cbir.core.atomic_files import sync_folder
from cbir.core.renaming import rename_new

_BLOCK = 1 << 20
_LONGEST_NAME = 255
"""Bytes; what nearly every file system allows."""


@contextlib.contextmanager
def opened(path: str) -> Iterator[io.BufferedReader]:
    """Open a regular file for reading; never through a symbolic link, and never a pipe.

    Raises
    ------
    OSError
        When it cannot be opened, or is anything but a regular file.
    """
    flags = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    if os.path.islink(path):  # O_NOFOLLOW would only tell of "too many levels"
        raise OSError(errno.ELOOP, "it is a symbolic link", path)
    with open(path, "rb", opener=lambda name, _: os.open(name, os.O_RDONLY | flags)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        yield file


def sha256_of(path: str) -> bytes:
    """Return the SHA-256 of a regular file; see :func:`opened` for what is raised."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").digest()


def holds(path: str, sha256: bytes) -> bool:
    """Say whether there is a regular file at `path`, itself, with these contents."""
    try:
        return sha256_of(path) == sha256
    except OSError:
        return False


def is_prefix(path: str, whole: str) -> bool:
    """Say whether a regular file holds what another one holds, or the beginning of that."""
    try:
        with opened(path) as part, opened(whole) as file:
            while block := part.read(_BLOCK):
                if file.read(len(block)) != block:
                    return False
    except OSError:
        return False
    return True


def same_file(path: str, other: str) -> bool:
    """Say whether two paths, links not followed, are one file."""
    try:
        return os.path.samestat(os.lstat(path), os.lstat(other))
    except OSError:
        return False


def free_name(path: str) -> str:
    """Return `path`, or the first of ``name (2).jpg``, ``name (3).jpg``, … that is free.

    A name that would grow too long for the file system loses the end of its stem.

    Examples
    --------
    >>> free_name("no/such/folder/a.jpg")
    'no/such/folder/a.jpg'
    """
    folder, name = os.path.split(path)
    stem, extension = os.path.splitext(name)
    number = 1
    while os.path.lexists(path):
        number += 1
        end = os.fsencode(f" ({number}){extension}")
        kept = os.fsencode(stem)[: _LONGEST_NAME - len(end)].decode("utf-8", "ignore")
        fits = len(os.fsencode(stem)) + len(end) <= _LONGEST_NAME
        path = os.path.join(folder, (stem if fits else kept) + os.fsdecode(end))
    return path


def missing_folders(folder: str) -> list[str]:
    """List `folder` and those above it that do not exist, the outermost first."""
    missing: list[str] = []
    while folder and not os.path.lexists(folder):
        missing.insert(0, folder)
        folder = os.path.dirname(folder)
    return missing


@contextlib.contextmanager
def set_aside(path: str, aside: str, sha256: bytes) -> Iterator[None]:
    """Give a file a temporary name; it goes when the block ends well, else it is back.

    So what is about to go is out of the way of other programs while the block looks once more
    whether it may, and it is certain that nothing else than this file goes.

    Parameters
    ----------
    path : str
    aside : str
        The temporary name, in the same folder.
    sha256 : bytes
        What the file must hold under its temporary name.

    Raises
    ------
    OSError
        When anything fails, also when the file holds something else; it is back then, unless
        something else took its name.
    """
    rename_new(path, aside)
    try:
        if not holds(aside, sha256):
            raise OSError(errno.ESTALE, "it was changed just now", path)
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            rename_new(aside, path)
        raise
    os.unlink(aside)


def move_new(
    source: str, target: str, name: str, sha256: bytes, confirm: Callable[[], None]
) -> None:
    """Move a file, across file systems if need be; what is at `target` is never replaced.

    Across file systems the contents are copied to a temporary name, made durable, read again and
    compared with `sha256`, before the source is set aside: interrupted anywhere, the file is under
    one of its two names, or else under a temporary one.

    Parameters
    ----------
    source, target : str
    name : str
        A temporary name, which the file may have in the folders of both.
    sha256 : bytes
        What the file must hold.
    confirm : callable
        Called when the file has left its place; when this raises, the file goes back there.

    Raises
    ------
    OSError
        When anything fails; the source is then where it was, unless something else is there.
    """
    try:
        rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(source, target, name, sha256, confirm)
        return
    try:
        if not holds(target, sha256):
            raise OSError(errno.ESTALE, "it was changed just now", source)
        confirm()
    except BaseException:
        with contextlib.suppress(OSError):
            rename_new(target, source)
        raise


def _move_across(
    source: str, target: str, name: str, sha256: bytes, confirm: Callable[[], None]
) -> None:
    here, there = (os.path.join(os.path.dirname(path), name) for path in (source, target))
    copy_to_temporary(source, there, sha256)
    placed = False
    try:
        with set_aside(source, here, sha256):
            confirm()
            rename_new(there, target)
            placed = True
            sync_folder(os.path.dirname(target))
    except BaseException:
        if placed:
            rename_new(target, there)
        remove_temporary(there)
        raise
    sync_folder(os.path.dirname(source))


def copy_to_temporary(source: str, aside: str, sha256: bytes) -> None:
    """Copy a file with times, permissions and attributes to a new file, durably, and verify it.

    Raises
    ------
    OSError
        When anything fails, also when the contents read again are not those of `sha256`, or not
        all attributes were kept; then there is no file `aside`.
    """
    with opened(source) as reader, written_new(aside) as writer:
        shutil.copyfileobj(reader, writer)
        status = os.fstat(reader.fileno())
        set_owner(aside, status.st_uid, status.st_gid)
        writer.flush()
        shutil.copystat(source, aside, follow_symlinks=False)
        os.fsync(writer.fileno())
        if not holds(aside, sha256):
            raise OSError(errno.EIO, "its copy has other contents than were expected", source)
        check_kept(source, aside)


@contextlib.contextmanager
def written_new(aside: str) -> Iterator[io.BufferedWriter]:
    """Open a file that must not exist yet; it is removed when the block fails."""
    writer = open(aside, "xb")  # noqa: SIM115 - what follows closes it
    try:
        with writer:
            yield writer
    except BaseException:
        remove_temporary(aside)
        raise


def set_owner(path: str, uid: int, gid: int) -> None:
    """Give a file to its owner and group, where the system and the rights allow it."""
    with contextlib.suppress(AttributeError, OSError):
        os.chown(path, uid, gid)


def remove_temporary(aside: str) -> None:
    """Remove what a step left behind under a temporary name, if anything."""
    with contextlib.suppress(OSError):
        os.unlink(aside)
