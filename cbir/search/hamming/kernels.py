"""Compiled loops of :mod:`cbir.search.hamming.searches`, for work that is worth importing numba
for.

A match is one number: the row's place in its block, the group and the distance, in 16, 32 and 16
bits. Kernels write them into `out` from `count` on and return how many it holds then, or -1 when
it cannot hold them. They release the GIL and are called on blocks of rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from cbir.search.compiling import compiled

_TILE = 512
"""Hashes that are compared with all rows of a block while they are in the fastest cache."""


def _generate_ones(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    return builder.ctpop(arguments[0])


def _type_ones(_context: Any, _word: Any) -> Any:
    return types.uint64(types.uint64), _generate_ones


# Counts the bits of a word that are 1: one instruction, which compilers also vectorize.
ones: Any = intrinsic(_type_ones)


@compiled
def scan(  # type: ignore[no-untyped-def]  # noqa: C901 - numba calls cost more than loops
    queries, rows, starts, hashes, radius, out, count
):
    """Compare the block's `rows` with all hashes from each row's start on."""
    words = hashes.shape[1]
    tile = np.empty((words, _TILE), np.uint64)
    distances = np.empty(_TILE, np.uint64)
    limit = np.uint64(radius)
    lowest = len(hashes)
    for row in rows:
        lowest = min(lowest, starts[row])
    for first in range(lowest, len(hashes), _TILE):
        size = min(_TILE, len(hashes) - first)
        for j in range(size):
            for k in range(words):
                tile[k, j] = hashes[first + j, k]
        for row in rows:
            if starts[row] >= first + size:
                continue
            distances[:size] = 0
            for k in range(words):
                word = queries[row, k]
                near = 0
                for j in range(size):
                    distance = distances[j] + ones(word ^ tile[k, j])
                    distances[j] = distance
                    near += distance <= limit
                if near == 0:  # nor will it be after the other words
                    break
            if near == 0:
                continue
            for j in range(max(starts[row] - first, 0), size):
                if distances[j] <= limit:
                    if count == len(out):
                        return -1
                    out[count] = (
                        (np.uint64(row) << np.uint64(48))
                        | (np.uint64(first + j) << np.uint64(16))
                        | distances[j]
                    )
                    count += 1
    return count


@compiled
def keys(hashes, positions, out):  # type: ignore[no-untyped-def]
    """Gather the bits at `positions`, (chunks, width), of each hash into `out`, (chunks, n)."""
    for i in range(hashes.shape[0]):
        for c in range(positions.shape[0]):
            key = np.uint64(0)
            for position in positions[c]:
                bit = hashes[i, position >> 6] >> np.uint64(position & 63)
                key = (key << np.uint64(1)) | (bit & np.uint64(1))
            out[c, i] = key


@compiled
def reach(bounds, flips, out):  # type: ignore[no-untyped-def]
    """Count for each key the hashes under the keys that `flips` make of it."""
    for key in range(len(out)):
        total = 0
        for flip in flips:
            bucket = np.int64(key) ^ np.int64(flip)
            total += bounds[bucket + 1] - bounds[bucket]
        out[key] = total


@compiled
def gather(hashes, order, bounds, lowest, groups, gathered, places):  # type: ignore[no-untyped-def]
    """Copy the hashes from `lowest` on in the order of their keys; `places` bound the keys."""
    count = 0
    for key in range(len(bounds) - 1):
        places[key] = count
        for place in range(bounds[key], bounds[key + 1]):
            group = order[place]
            if group >= lowest:
                groups[count] = group
                for k in range(hashes.shape[1]):
                    gathered[count, k] = hashes[group, k]
                count += 1
    places[len(bounds) - 1] = count


@compiled
def join(  # type: ignore[no-untyped-def]
    queries,
    rows,
    keys,
    starts,
    groups,
    gathered,
    places,
    flips,
    chunk,
    chunk_bits,
    radii,
    radius,
    out,
    count,
):
    """Compare `rows`, sorted by their keys in a chunk, with what is gathered under near keys.

    So both are read nearly in order: from memory, that is several times as fast as hash by hash.
    """
    words = queries.shape[1]
    limit = np.uint64(radius)
    for n in range(len(rows)):
        row, key = rows[n], np.int64(keys[n])
        start = starts[row]
        for flip in flips:
            bucket = key ^ np.int64(flip)
            # From the back: the hashes of a key are sorted.
            for place in range(places[bucket + 1] - 1, places[bucket] - 1, -1):
                if groups[place] < start:
                    break
                distance = np.uint64(0)
                for k in range(words):
                    distance += ones(queries[row, k] ^ gathered[place, k])
                if distance > limit:
                    continue
                if _shares_earlier(queries, row, gathered, place, chunk_bits, radii, chunk):
                    continue
                if count == len(out):
                    return -1
                out[count] = (
                    (np.uint64(row) << np.uint64(48))
                    | (np.uint64(groups[place]) << np.uint64(16))
                    | distance
                )
                count += 1
    return count


@compiled
def _shares_earlier(  # type: ignore[no-untyped-def]
    queries, row, hashes, place, chunk_bits, radii, chunk
):
    """Say whether the pair was found by a chunk before `chunk`."""
    for c in range(chunk):
        distance = np.uint64(0)
        for k in range(hashes.shape[1]):
            distance += ones((queries[row, k] ^ hashes[place, k]) & chunk_bits[c, k])
        if distance <= np.uint64(radii[c]):
            return True
    return False
