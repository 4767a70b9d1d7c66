"""Read files that others name: regular ones only, and never more than is expected.

A pipe that nobody writes to never ends, and a device such as ``/dev/zero`` never stops.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from io import FileIO

_FLAGS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY", "O_CLOEXEC"))

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_BLOCK = 1 << 16
_PATIENCE = 10.0
"""Seconds without a byte after which a pipe is given up."""


def open_regular(path: str) -> FileIO:
    """Open a regular file for reading, or the one that a link leads to; unbuffered.

    Raises
    ------
    OSError
        When it cannot be opened, or is anything but a regular file: at once, also for a pipe.
    """
    return open(_opened(path)[0], "rb", buffering=0)


def read_regular(path: str, limit: int) -> bytes:
    """Read a regular file whole.

    Parameters
    ----------
    path : str
    limit : int
        Bytes that it may have.

    Raises
    ------
    OSError
        As :func:`open_regular`, and when the file is larger than `limit`.
    """
    descriptor, size = _opened(path)
    try:
        if size > limit:
            raise _too_large(limit)
        # Not by an object of a file: for small images that costs as much as reading them.
        data = os.read(descriptor, size)
        if not data or len(data) < size:
            # Some, as those below /proc, do not say how large they are.
            rest = bytearray(data)
            while block := os.read(descriptor, _BLOCK):
                rest += block
                if len(rest) > limit:
                    raise _too_large(limit)
            data = bytes(rest)
        return data
    finally:
        os.close(descriptor)


def read_text_source(path: str, limit: int) -> bytes:
    """Read a regular file, or what is written to a pipe, as the shell's ``<(…)`` makes one.

    Parameters
    ----------
    path : str
    limit : int
        Bytes that it may have.

    Raises
    ------
    OSError
        When it is something else or too large, and when nothing comes through a pipe for ten
        seconds.
    """
    if not (stat.S_ISFIFO(os.stat(path).st_mode) and hasattr(select, "poll")):
        return read_regular(path, limit)
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        return _read_pipe(descriptor, limit)
    finally:
        os.close(descriptor)


def _read_pipe(descriptor: int, limit: int) -> bytes:
    data = bytearray()
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    patient_until = time.monotonic() + _PATIENCE
    while True:
        left = patient_until - time.monotonic()
        if left <= 0 or not waiting.poll(1000 * left):
            raise OSError(f"a pipe that nothing came through for {_PATIENCE:.0f} s")
        try:
            block = os.read(descriptor, _BLOCK)
        except BlockingIOError:
            continue
        if not block:
            return bytes(data)
        data += block
        if len(data) > limit:
            raise _too_large(limit)
        patient_until = time.monotonic() + _PATIENCE


def _opened(path: str) -> tuple[int, int]:
    """Open a regular file; return its descriptor and its size."""
    check_regular(path, os.stat(path).st_mode)  # opening alone can make a device do something
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        status = os.fstat(descriptor)
        check_regular(path, status.st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status.st_size


def check_regular(path: str, mode: int) -> None:
    """Make sure that a mode is that of a regular file.

    Raises
    ------
    OSError
        When it is none.
    """
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
    raise OSError(f"{kind}, not a regular file")


def _too_large(limit: int) -> OSError:
    return OSError(f"larger than {limit / 1e6:,.0f} megabytes")
