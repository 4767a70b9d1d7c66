"""Distances of a query to many rows, as loops that :mod:`cbir.core.machine_code` compiles.

The numbers are estimates in single precision: :mod:`cbir.search.exact.flat` uses them to leave out
the rows that cannot be among the nearest, and computes the rest exactly. Rows lie one after the
other in memory, in the type in which they are stored. Nothing here needs numba to be imported.

Stored numbers are compared as they are, or their squares, and a distance is scaled at the end:
twice the numbers have twice the distance, but for cosine, which knows no scale.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.machine_code import Loop

_TINY = np.float32(np.finfo(np.float32).tiny)


def chi2(query, rows, count, width, square, scale, out):  # type: ignore[no-untyped-def]
    for i in range(count):
        start, total = i * width, np.float32(0)
        for j in range(width):
            value = np.float32(rows[start + j])
            if square:
                value *= value
            difference = value - query[j]
            total += difference * difference / max(value + query[j], _TINY)
        out[i] = np.float32(0.5) * scale * total


def euclidean(query, rows, count, width, square, scale, out):  # type: ignore[no-untyped-def]
    for i in range(count):
        start, total = i * width, np.float32(0)
        for j in range(width):
            value = np.float32(rows[start + j])
            if square:
                value *= value
            difference = value - query[j]
            total += difference * difference
        out[i] = scale * np.sqrt(total)


def manhattan(query, rows, count, width, square, scale, out):  # type: ignore[no-untyped-def]
    for i in range(count):
        start, total = i * width, np.float32(0)
        for j in range(width):
            value = np.float32(rows[start + j])
            if square:
                value *= value
            total += abs(value - query[j])
        out[i] = scale * total


def cosine(query, rows, count, width, square, scale, out):  # type: ignore[no-untyped-def] # noqa: ARG001
    query_square = np.float32(0)
    for j in range(width):
        query_square += query[j] * query[j]
    for i in range(count):
        start, product, row_square = i * width, np.float32(0), np.float32(0)
        for j in range(width):
            value = np.float32(rows[start + j])
            if square:
                value *= value
            product += value * query[j]
            row_square += value * value
        length = np.sqrt(row_square * query_square)
        if length > 0:
            out[i] = np.float32(1) - product / length
        else:
            out[i] = np.float32(0 if row_square == query_square else 1)


def hamming(query, rows, count, width, out):  # type: ignore[no-untyped-def]
    """Count the bits that differ in `width` words of 64 bits, exactly."""
    for i in range(count):
        start, total = i * width, np.uint64(0)
        for j in range(width):
            # Processors have an instruction for these lines, which compilers recognize.
            bits = query[j] ^ rows[start + j]
            bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
            bits = (bits & np.uint64(0x3333333333333333)) + (
                (bits >> np.uint64(2)) & np.uint64(0x3333333333333333)
            )
            bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
            total += (bits * np.uint64(0x0101010101010101)) >> np.uint64(56)
        out[i] = total


_OF_NUMBERS = {"chi2": chi2, "euclidean": euclidean, "manhattan": manhattan, "cosine": cosine}

TYPES = ("uint8", "uint16", "int8", "int16", "float32")
"""The types of rows that there are loops for."""

HAMMING = Loop(hamming, ("uint64*", "uint64*", "int64", "int64", "int32*"))
"""Takes a query and rows in words, how many rows and words, and where the distances go."""


@cache
def loop_of(metric: str, dtype: np.dtype[Any]) -> Loop | None:
    """Return the loop of a metric for rows of a type, or None if there is none.

    It takes the query, the rows, how many they are and how wide, whether squares are compared, the
    scale of the distances, and where these go.
    """
    is_usual = dtype.isnative and dtype.name in TYPES
    if metric not in _OF_NUMBERS or not is_usual:
        return None
    arguments = ("float32*", f"{dtype.name}*", "int64", "int64", "int64", "float32", "float32*")
    return Loop(_OF_NUMBERS[metric], arguments)


def compared(query: NDArray[Any], square: bool) -> NDArray[np.float32]:
    """Return what a loop takes for a stored query.

    Examples
    --------
    >>> compared(np.array([2, 3], np.uint8), square=True)
    array([4., 9.], dtype=float32)
    """
    values = query.astype(np.float32)
    return np.square(values) if square else values
