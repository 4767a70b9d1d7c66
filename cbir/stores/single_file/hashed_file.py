"""Files that are hashed while they are written, and what identifies their content."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any, BinaryIO

from cbir.core.threads import scan_pool

_DIGITS = 16
"""Hexadecimal digits of the SHA-256 that identify a content."""

_WORTH_A_THREAD = 1 << 18
"""Bytes that are hashed while they are written."""


class HashedFile(io.RawIOBase):
    """A file that can only be appended to, and knows what was written to it.

    Parameters
    ----------
    file : file
        What is really written to; it stays open.

    Examples
    --------
    >>> hashed = HashedFile(io.BytesIO())
    >>> hashed.write(b"abc"), hashed.content
    (3, 'ba7816bf8f01cfea')
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()

    def writable(self) -> bool:
        """Say that it is written to, and not read."""
        return True

    def write(self, data: Any) -> int:
        """Append bytes."""
        if memoryview(data).nbytes < _WORTH_A_THREAD:
            self._sha256.update(data)
            return self._file.write(data)
        # Both let other threads run, and hashing takes as long as writing.
        hashing = scan_pool().submit(self._sha256.update, data)
        count = self._file.write(data)
        hashing.result()
        return count

    def tell(self) -> int:
        """Return how many bytes there are."""
        return self._file.tell()

    @property
    def content(self) -> str:
        """What identifies the content so far."""
        return self._sha256.hexdigest()[:_DIGITS]


def content_of(path: Path) -> str:
    """Identify the content of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]
