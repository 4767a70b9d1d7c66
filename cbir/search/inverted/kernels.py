"""Compiled loops of the scorings of inverted files, for work that is worth importing numba for.

They release the GIL. The sums are of whole numbers, and what is added is computed by the same
steps as with numpy, which no compiler may reorder here: the results are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from cbir.search.hamming.kernels import ones
from cbir.search.inverted.common_weight import LEAST, PRODUCT

_SCALE = 2.0**56


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile without the liberties that fast arithmetic takes."""
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # numba finds no folder that it can write its cache to
        return numba.njit(nogil=True, error_model="numpy")(function)


@_compiled
def _differing(one, i, other, j):  # type: ignore[no-untyped-def]
    if one.shape[1] == 2:
        return ones(one[i, 0] ^ other[j, 0]) + ones(one[i, 1] ^ other[j, 1])
    total = np.uint64(0)
    for k in range(one.shape[1]):
        total += ones(one[i, k] ^ other[j, k])
    return total


@_compiled
def add_signatures(  # type: ignore[no-untyped-def]
    queries, units, _farthest, first, last, images, signatures, sums
):
    """Add the units of each posting to its image.

    Also where they are 0: half of unrelated signatures count a little, so that a branch is guessed
    wrong half of the time, which costs more than adding.
    """
    for i in range(len(first)):
        for j in range(first[i], last[i]):
            sums[images[j]] += units[i, _differing(queries, i, signatures, j)]


@_compiled
def add_calmed(  # type: ignore[no-untyped-def]
    queries, units, farthest, first, last, images, signatures, sums
):
    """Add the units of each entry's matches in an image, divided by the root of their number."""
    for i in range(len(first)):
        j = first[i]
        while j < last[i]:
            image = images[j]
            total, count = np.int64(0), 0
            while j < last[i] and images[j] == image:
                bits = _differing(queries, i, signatures, j)
                if bits <= farthest:
                    total += units[i, bits]
                    count += 1
                j += 1
            if count:
                sums[image] += np.int64(np.rint(total / np.sqrt(np.float64(count))))


@_compiled
def add_counts(  # type: ignore[no-untyped-def]
    weights, idf, first, last, images, counts, strengths, sizes, way, sums
):
    """Add what the weights of two bags have in common, in 2^-56."""
    for i in range(len(first)):
        one = weights[i]
        for j in range(first[i], last[i]):
            other = strengths[counts[j]] * idf[i] / sizes[images[j]]
            if way == PRODUCT:
                common = one * other
            elif way == LEAST:
                common = min(one, other)
            else:
                total = one + other
                difference = one - other
                share = difference * difference / total if total > 0 else 0.0
                common = 0.5 * (total - share)
            sums[images[j]] += np.int64(np.rint(common * _SCALE))
