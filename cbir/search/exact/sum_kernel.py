"""Sums over numbers of two rows, as a loop that :mod:`cbir.core.machine_code` compiles.

It gives the very sums that numpy gives in double precision: of the same terms, in the same order.
Rows lie one after the other in memory, in the type in which they are stored. Nothing here needs
numba to be imported.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.machine_code import Loop
from cbir.search.exact.kernels import TYPES

_LEAF = 128
"""Numbers up to which numpy has eight sums, side by side; more it halves, and adds the sums."""

_DEPTH = 64
"""Sums of halves, at most, that wait for their other half."""

_TINY = np.finfo(np.float64).tiny

CHI2, SQUARED_DIFFERENCE, DIFFERENCE, PRODUCT, SQUARE = range(5)
"""What is added up."""


def add_up(  # type: ignore[no-untyped-def]  # noqa: C901 - a loop is one function
    query, rows, numbers, count, width, scale, square, term, order, leaves, room, out
):
    for i in range(count):
        start, waiting = numbers[i] * width, _LEAF
        for leaf in range(leaves):
            first, size = order[3 * leaf], order[3 * leaf + 1]
            for j in range(size):
                value = np.float64(rows[start + first + j]) * scale
                if square:
                    value *= value
                room[j] = value
            if term == CHI2:
                for j in range(size):
                    total = room[j] + query[first + j]
                    difference = room[j] - query[first + j]
                    room[j] = difference * difference / (total if total > _TINY else _TINY)
            elif term == SQUARED_DIFFERENCE:
                for j in range(size):
                    difference = room[j] - query[first + j]
                    room[j] = difference * difference
            elif term == DIFFERENCE:
                for j in range(size):
                    room[j] = abs(room[j] - query[first + j])
            elif term == PRODUCT:
                for j in range(size):
                    room[j] *= query[first + j]
            else:
                for j in range(size):
                    room[j] *= room[j]
            even = size - size % 8
            a = b = c = d = e = f = g = h = 0.0
            for j in range(0, even, 8):
                a += room[j]
                b += room[j + 1]
                c += room[j + 2]
                d += room[j + 3]
                e += room[j + 4]
                f += room[j + 5]
                g += room[j + 6]
                h += room[j + 7]
            whole = ((a + b) + (c + d)) + ((e + f) + (g + h))
            for j in range(even, size):
                whole += room[j]
            room[waiting] = whole
            waiting += 1
            for _ in range(order[3 * leaf + 2]):
                waiting -= 1
                room[waiting - 1] += room[waiting]
        out[i] = room[_LEAF]


def loop_for(dtype: np.dtype[Any]) -> Loop | None:
    """Return the loop for rows of a type, or None if there is none.

    It takes the values of the query, the rows, the numbers of those that are asked for, how many
    these are and how wide rows are, the scale of stored numbers and whether squares are compared,
    what is added up, the :func:`order_of` that and how many leaves it has, :func:`room` to work in,
    and where the sums go.
    """
    if not dtype.isnative or dtype.name not in TYPES:
        return None
    plain = ("float64*", f"{dtype.name}*", "int64*", "int64", "int64", "float64", "int64", "int64")
    return Loop(add_up, (*plain, "int64*", "int64", "float64*", "float64*"), is_exact=True)


@cache
def order_of(width: int) -> NDArray[np.int64]:
    """Return in which order numpy adds up a row.

    Returns
    -------
    ndarray of int64, shape (leaves, 3)
        Where each leaf begins and how many numbers it has; and how many times, then, the last two
        sums become one.

    Examples
    --------
    >>> order_of(300)
    array([[  0,  72,   0],
           [ 72,  72,   1],
           [144,  72,   0],
           [216,  84,   2]])
    """
    leaves: list[list[int]] = []

    def split(start: int, size: int) -> None:
        if size <= _LEAF:
            leaves.append([start, size, 0])
            return
        half = size // 2 // 8 * 8
        split(start, half)
        split(start + half, size - half)
        leaves[-1][2] += 1

    split(0, width)
    return np.array(leaves, np.int64)


def room() -> NDArray[np.float64]:
    """Return what a thread needs beside its arguments."""
    return np.empty(_LEAF + _DEPTH)
