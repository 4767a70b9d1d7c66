"""The lowest frequencies of a thumbnail, and what is decided by them.

The transform is scipy's: how a product of matrices rounds depends on the processor. But a hash only
asks on which side of some limit a frequency lies, and of almost all images none lies so near to it
that rounding matters. So a compiled loop transforms them, in half of the time and without
importing scipy, and only where it is not sure scipy is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.machine_code import AwaitedLoop, Loop

T = TypeVar("T")

Frequencies = NDArray[np.float64]

DOUBT = 1e-5
"""Frequencies that lie so near to a limit are computed by scipy. Those of 64 × 64 gray levels are
below 2 ** 22, and sums of 64 numbers in double precision are right to some 1e-8 of these."""


def dct2(image: NDArray[Any], lowest: int | None = None) -> Frequencies:
    """Return the two-dimensional DCT-II, not normalized: all of it, or its lowest frequencies."""
    from scipy.fft import dct

    down = dct(image.astype(np.float64), axis=0)[:lowest]
    return dct(down, axis=1)[:, :lowest]


def by_frequencies(
    image: NDArray[np.uint8], lowest: int, decide: Callable[[Frequencies], tuple[T, float]]
) -> T:
    """Decide something by the lowest frequencies of :func:`dct2`.

    Parameters
    ----------
    image : ndarray of uint8, shape (side, side)
        Gray levels; the side is even, and 64 pixels at most.
    lowest : int
        Frequencies a side; even.
    decide : callable
        Returns what is decided, and how far the frequency that is nearest to a limit lies from it.
    """
    run = _TRANSFORMING.after(1)
    if run is not None:
        side = len(image)
        folded, down, low = np.empty((side, side)), np.empty(side), np.zeros((lowest, lowest))
        run(image, side, _cosines(side, lowest), lowest, folded, down, low)
        decision, distance = decide(low)
        if distance > DOUBT:
            return decision
    return decide(dct2(image, lowest))[0]


def transform(image, side, cosines, lowest, folded, down, low):  # type: ignore[no-untyped-def]
    """Do what :func:`dct2` does, but for rounding, as a compiled loop; `low` is zeros.

    Cosines are the same from both ends, but for the sign of every other frequency: so rows, and
    then columns, are added to those from the other end, or subtracted, before they are weighted.
    """
    half, ends = side // 2, side - 1
    for y in range(half):
        for x in range(side):
            one, other = image[y * side + x], image[(ends - y) * side + x]
            folded[y * side + x] = one + other
            folded[(half + y) * side + x] = np.float64(one) - other
    for row in range(lowest):
        start = row % 2 * half
        for x in range(side):
            down[x] = 0
        for y in range(half):
            factor = cosines[y * lowest + row]
            for x in range(side):
                down[x] += factor * folded[(start + y) * side + x]
        for x in range(half):
            one, other = down[x] + down[ends - x], down[x] - down[ends - x]
            for pair in range(lowest // 2):
                low[row * lowest + 2 * pair] += one * cosines[x * lowest + 2 * pair]
                low[row * lowest + 2 * pair + 1] += other * cosines[x * lowest + 2 * pair + 1]


_TRANSFORMING = AwaitedLoop(
    Loop(transform, ("uint8*", "int64", "float64*", "int64", *3 * ("float64*",))),
    worth_loading=200,
    worth_compiling=1000,
)
"""Work is images."""


@lru_cache
def _cosines(side: int, lowest: int) -> NDArray[np.float64]:
    """Return the weight of each pixel (rows) in each frequency (columns)."""
    return 2 * np.cos(np.pi * np.outer(np.arange(side) + 0.5, np.arange(lowest)) / side)
