"""The memory that decoding takes, and the limit on it that all threads share."""

from __future__ import annotations

import os
from functools import cache

from cbir.core.errors import UsageError, printable
from cbir.core.memory_budget import MemoryBudget
from cbir.images.header import Header

DECODING_MB = "CBIR_DECODING_MB"
"""The environment variable with the megabytes that all decoding at a time may take; an image that
alone takes more is decoded alone."""

_USUAL_DECODING_MB, _MOST_DIGITS = 1024, 18

_OPENCV_COST, _PROGRESSIVE_COST, _PILLOW_COST, _TURNING_COST = 6, 6, 8, 3
_PILLOW_COSTS = {"WEBP": 12, "AVIF": 12, "HEIF": 12, "JXL": 12, "JPEG2000": 24}
"""Bytes a pixel that decoding takes at its peak, as measured: two copies, a progressive JPEG's
coefficients, the libraries behind Pillow with copies of their own."""

_SMALL = 1 << 20
"""Pixels up to which it is not worth a look whether a JPEG is progressive."""

_PROGRESSIVE = b"\xff\xc2"
_JPEG_HEAD = 1 << 16
"""How the frame of a progressive JPEG begins, and bytes within which it does so, mostly."""


@cache
def decoding_budget() -> MemoryBudget:
    """Return what limits the memory of all decoding in this process.

    Raises
    ------
    UsageError
        When the environment variable :data:`DECODING_MB` is no number.
    """
    text = os.environ.get(DECODING_MB, str(_USUAL_DECODING_MB))
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise UsageError(
            f"{DECODING_MB}={printable(text[:40])}: give a whole number of megabytes, as in 2048"
        )
    return MemoryBudget(int(text) << 20)


def decoding_cost(header: Header, data: bytes, reduction: int = 1) -> int:
    """Return the bytes that decoding takes, about."""
    pixels = header.width * header.height
    turning = _TURNING_COST * (header.orientation != 1)
    if not header.for_opencv:
        return pixels * (_PILLOW_COSTS.get(header.format, _PILLOW_COST) + turning)
    cost = pixels * (_OPENCV_COST + turning) // reduction**2
    if header.format == "JPEG" and pixels > _SMALL and _PROGRESSIVE in data[:_JPEG_HEAD]:
        cost += pixels * _PROGRESSIVE_COST
    return cost
