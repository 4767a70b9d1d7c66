"""Short names for content."""

from __future__ import annotations

import contextlib
import hashlib

from cbir.core.regular_files import open_regular

DIGITS = 16
"""Hexadecimal digits of a digest."""


def digest(data: bytes) -> str:
    """Return 16 hexadecimal digits that identify `data`.

    Examples
    --------
    >>> digest(b"")
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(data).hexdigest()[:DIGITS]


def sha256_of(path: str) -> bytes:
    """Return the SHA-256 of a regular file's content.

    Raises
    ------
    OSError
        When it cannot be read, or is no regular file.
    ValueError
        When the path is one that no file has.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").digest()


def sha256_if_readable(path: str) -> bytes | None:
    """Return the SHA-256 of a file's content, or None when it cannot be read."""
    with contextlib.suppress(OSError, ValueError):  # a NUL in the name
        return sha256_of(path)
    return None
