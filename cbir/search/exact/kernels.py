"""Compiled distance kernels, for work that is worth importing numba for.

The numbers are single-precision estimates: :mod:`cbir.search.exact.flat` uses them to leave out the
rows that cannot be among the nearest, and computes the rest exactly. Kernels read the stored type
directly, release the GIL and are called on blocks of rows from a thread pool of our own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cbir.search.compiling import compiled

_TINY = np.float32(np.finfo(np.float32).tiny)


@compiled
def _compared(stored, scale, square):  # type: ignore[no-untyped-def]
    value = np.float32(stored) * scale
    return value * value if square else value


@compiled
def chi2(query, rows, scale, square, out):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[0]):
        total = np.float32(0)
        for j in range(rows.shape[1]):
            value = _compared(rows[i, j], scale, square)
            difference = value - query[j]
            total += difference * difference / max(value + query[j], _TINY)
        out[i] = np.float32(0.5) * total


@compiled
def euclidean(query, rows, scale, square, out):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[0]):
        total = np.float32(0)
        for j in range(rows.shape[1]):
            value = _compared(rows[i, j], scale, square)
            difference = value - query[j]
            total += difference * difference
        out[i] = np.sqrt(total)


@compiled
def manhattan(query, rows, scale, square, out):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[0]):
        total = np.float32(0)
        for j in range(rows.shape[1]):
            value = _compared(rows[i, j], scale, square)
            total += abs(value - query[j])
        out[i] = total


@compiled
def cosine(query, rows, scale, square, out):  # type: ignore[no-untyped-def]
    query_square = np.float32(0)
    for j in range(query.shape[0]):
        query_square += query[j] * query[j]
    for i in range(rows.shape[0]):
        product = np.float32(0)
        row_square = np.float32(0)
        for j in range(rows.shape[1]):
            value = _compared(rows[i, j], scale, square)
            product += value * query[j]
            row_square += value * value
        length = np.sqrt(row_square * query_square)
        if length > 0:
            out[i] = np.float32(1) - product / length
        else:
            out[i] = np.float32(0 if row_square == query_square else 1)


KERNELS = {"chi2": chi2, "euclidean": euclidean, "manhattan": manhattan, "cosine": cosine}


def compile_for(metric: str, dtype: np.dtype[Any]) -> None:
    """Compile the kernel of `metric` for rows of `dtype`, or load it from numba's cache."""
    row = np.zeros((1, 1), dtype)
    row.flags.writeable = False  # as memory-mapped matrices are: another type to numba
    zero = np.zeros(1, np.float32)
    KERNELS[metric](zero, row, np.float32(1), False, zero.copy())
