"""Short names for content."""

from __future__ import annotations

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
