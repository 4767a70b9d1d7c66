"""Compiled loops of the scorings of inverted files, for work that is worth importing numba for.

They release the GIL. The sums are of whole numbers, and what is added is computed by the same
steps as with numpy, which no compiler may reorder here: the results are the same.
"""

from __future__ import annotations

import numpy as np

from cbir.search.compiling import compiled_exactly
from cbir.search.hamming.kernels import ones
from cbir.search.inverted.common_weight import LEAST, PRODUCT

_SCALE = 2.0**56


@compiled_exactly
def _differing(one, other):  # type: ignore[no-untyped-def]
    if len(one) == 2:
        return ones(one[0] ^ other[0]) + ones(one[1] ^ other[1])
    total = np.uint64(0)
    for k in range(len(one)):
        total += ones(one[k] ^ other[k])
    return total


@compiled_exactly
def add_signatures(  # type: ignore[no-untyped-def]
    queries, units, _beyond, entries, first, last, images, signatures, sums
):
    """Add the units of each posting to its image.

    Also where they are 0: half of unrelated signatures count a little, so that a branch is guessed
    wrong half of the time, which costs more than adding.
    """
    for i in range(len(entries)):
        query, counted = queries[entries[i]], units[entries[i]]
        # In a slice, numba sees that no place is negative: that is four times as fast.
        owners, others = images[first[i] : last[i]], signatures[first[i] : last[i]]
        for j in range(len(owners)):
            sums[np.uint64(owners[j])] += counted[_differing(query, others[j])]


@compiled_exactly
def add_calmed(  # type: ignore[no-untyped-def]
    queries, units, beyond, entries, first, last, images, signatures, sums
):
    """Add the units of each entry's matches in an image, divided by the root of their number."""
    limit = np.uint64(beyond)
    for i in range(len(entries)):
        query, counted = queries[entries[i]], units[entries[i]]
        owners, others = images[first[i] : last[i]], signatures[first[i] : last[i]]
        total, count = np.int64(0), 0
        for j in range(len(owners)):
            bits = _differing(query, others[j])
            if bits < limit:
                total += counted[bits]
                count += 1
            if count and (j + 1 == len(owners) or owners[j + 1] != owners[j]):
                calmed = np.int64(np.rint(total / np.sqrt(np.float64(count))))
                sums[np.uint64(owners[j])] += calmed
                total, count = np.int64(0), 0


@compiled_exactly
def add_counts(  # type: ignore[no-untyped-def]
    weights, idf, first, last, images, counts, strengths, sizes, way, sums
):
    """Add what the weights of two bags have in common, in 2^-56."""
    for i in range(len(first)):
        one, factor = weights[i], idf[i]
        owners, others = images[first[i] : last[i]], counts[first[i] : last[i]]
        for j in range(len(owners)):
            owner = np.uint64(owners[j])
            other = strengths[np.uint64(others[j])] * factor / sizes[owner]
            if way == PRODUCT:
                common = one * other
            elif way == LEAST:
                common = min(one, other)
            else:
                total = one + other
                difference = one - other
                share = difference * difference / total if total > 0 else 0.0
                common = 0.5 * (total - share)
            sums[owner] += np.int64(np.rint(common * _SCALE))
