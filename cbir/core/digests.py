"""Short names for content."""

from __future__ import annotations

import contextlib
import hashlib

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


def sha256_of_file(path: str) -> bytes | None:
    """Return the SHA-256 of a file's content, or None when it cannot be read."""
    with contextlib.suppress(OSError, ValueError), open(path, "rb") as file:  # a NUL in the name
        return hashlib.file_digest(file, "sha256").digest()
    return None
