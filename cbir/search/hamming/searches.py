"""Three ways to compare hashes, which lead to the same pairs; :func:`plan` chooses the fastest.

- :class:`NumpyScan` compares everything with everything, for as long as that takes no longer
  than numba takes to import or to compile.
- :class:`CompiledScan`, which is compiled, does the same several times as fast.
- :class:`MultiIndex` is multi-index hashing: it compares a hash only with those that nearly share
  one of its chunks. The bits are cut into m chunks, and those of a chunk are the key of a table.
  When two hashes differ in at most r = m q + a bits, a < m, then one of the first a + 1 chunks
  differs in at most q bits, or one of the others in at most q - 1: so it suffices to look up the
  keys that differ that little. Chunks take their bits from all over the hash, since bits side by
  side are alike in real images. A hash whose buckets hold more of the others than a scan is worth,
  as those of blank images do, is scanned.

References
----------
M. Norouzi, A. Punjani, D. J. Fleet, "Fast exact search in Hamming space with multi-index
hashing", IEEE Transactions on Pattern Analysis and Machine Intelligence 36 (6), 2014.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

PackedHashes = NDArray[np.uint64]
Starts = NDArray[np.int64]

_WORTH_NUMBA = 1 << 29
"""Words to compare after which numpy has taken as long as numba takes to import."""

_WORTH_COMPILING = 16 * _WORTH_NUMBA
"""The same for kernels that were never compiled on this machine."""

_NUMPY_CELLS = 1 << 16
"""Distances that numpy computes at a time: half a megabyte of words, as a core's cache holds."""

_KEY_BITS = 16
"""Bits of a chunk at most: numpy sorts 16-bit keys in linear time."""

_MOST_CHUNKS = 32
"""Each takes four bytes a hash."""

_MOST_LOOKUPS = 1 << 13
"""Keys of a row beyond which even ten million hashes are scanned as fast."""

# What a step of the compiled searches takes, in nanoseconds of a core. Only proportions matter.
_SCANNED_WORD = 0.1
_CANDIDATE = 4.0
_LOOKUP = 8.0
_FILED = 40.0
_GATHERED = 20.0


class RadiusSearch(Protocol):
    """A way to find the hashes near some queries."""

    block: ClassVar[int]
    """Queries that are best searched for at a time; 65536 at most."""

    def __call__(self, queries: PackedHashes, starts: Starts, out: PackedHashes) -> int:
        """Write the matches of each query, among the hashes from its start on, in any order.

        A match is one number: the query, the hash and the distance, in 16, 32 and 16 bits.
        Returns how many there are, or -1 when `out` cannot hold them.
        """


def plan(
    hashes: PackedHashes, starts: Starts, bits: int, radius: int, workers: int
) -> RadiusSearch:
    """Choose the fastest search.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n, words)
        All different.
    starts : ndarray of int64, shape (m,)
        The first of the hashes that each query is compared with.
    bits : int
        Of a hash; the others of its words are 0.
    radius : int
        At most `bits`.
    workers : int
        Threads that prepare the search.
    """
    pairs = len(starts) * len(hashes) - int(starts.sum())
    words = pairs * hashes.shape[1]
    if words < _WORTH_NUMBA:
        return NumpyScan(hashes, radius)
    from cbir.search.compiling import is_cached
    from cbir.search.hamming import kernels

    if words < _WORTH_COMPILING and not is_cached(kernels.join):
        return NumpyScan(hashes, radius)
    chunks = best_chunks(pairs, len(starts), len(hashes), bits, radius)
    if chunks == 0:
        return CompiledScan(hashes, radius)
    return MultiIndex(hashes, bits, radius, chunks, workers)


def best_chunks(pairs: int, queries: int, hashes: int, bits: int, radius: int) -> int:
    """Return by how many chunks an index is fastest, or 0 when a scan is faster.

    It reckons as if all keys were as frequent.

    Examples
    --------
    >>> million = 1_000_000
    >>> best_chunks(million**2 // 2, million, million, bits=256, radius=31)
    16
    >>> best_chunks(million**2 // 2, million, million, bits=256, radius=100)
    0
    """
    best, cheapest = 0, pairs * -(-bits // 64) * _SCANNED_WORD
    for chunks in range(1, min(bits, radius + 1, _MOST_CHUNKS) + 1):
        width = min(bits // chunks, _KEY_BITS)
        lookups = sum(_keys_within(width, radius) for radius in _radii(chunks, radius))
        price = hashes * chunks * (_FILED + _GATHERED * -(-queries // MultiIndex.block))
        price += queries * lookups * _LOOKUP
        price += pairs * lookups / (1 << width) * _CANDIDATE
        if lookups <= _MOST_LOOKUPS and price < cheapest:
            best, cheapest = chunks, price
    return best


def _radii(chunks: int, radius: int) -> list[int]:
    """Return how many bits may differ in each chunk; chunks that need no look are left out."""
    quotient, rest = divmod(radius, chunks)
    others = chunks - rest - 1 if quotient else 0
    return [quotient] * (rest + 1) + [quotient - 1] * others


def _keys_within(width: int, radius: int) -> int:
    return sum(comb(width, flipped) for flipped in range(radius + 1))


@dataclass(frozen=True, slots=True)
class NumpyScan:
    """Compares everything with everything."""

    hashes: PackedHashes
    radius: int

    block: ClassVar[int] = 256

    def __call__(self, queries: PackedHashes, starts: Starts, out: PackedHashes) -> int:
        """Find what is near; see :class:`RadiusSearch`."""
        count = 0
        lowest = int(starts.min())
        step = max(1, _NUMPY_CELLS // len(queries))
        for first in range(lowest, len(self.hashes), step):
            block = self.hashes[first : first + step]
            distances = np.zeros((len(queries), len(block)), np.uint16)
            for query, column in zip(queries.T, block.T, strict=True):
                distances += np.bitwise_count(query[:, None] ^ column)
            row, place = np.nonzero(distances <= self.radius)
            kept = first + place >= starts[row]
            row, place = row[kept], place[kept]
            if count + len(row) > len(out):
                return -1
            packed = (row << 48) | ((first + place) << 16) | distances[row, place]
            out[count : count + len(row)] = packed.astype(np.uint64)
            count += len(row)
        return count


@dataclass(frozen=True, slots=True)
class CompiledScan:
    """Compares everything with everything, compiled."""

    hashes: PackedHashes
    radius: int

    block: ClassVar[int] = 256

    def __call__(self, queries: PackedHashes, starts: Starts, out: PackedHashes) -> int:
        """Find what is near; see :class:`RadiusSearch`."""
        from cbir.search.hamming import kernels

        rows = np.arange(len(queries))
        return kernels.scan(queries, rows, starts, self.hashes, self.radius, out, 0)


class MultiIndex:
    """A table for each chunk of the hashes.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n, words)
        They are filed under the keys of their chunks.
    bits, radius : int
        As for :func:`plan`.
    chunks : int
        How many there are; those that need no look are left out.
    workers : int
        Threads that file.

    Attributes
    ----------
    positions : ndarray of int64, shape (chunks, width)
        The bits of each chunk.
    chunk_bits : ndarray of uint64, shape (chunks, words)
        The same as masks.
    radii : ndarray of int64, shape (chunks,)
        How many of them may differ.
    flips : ndarray of uint16, shape (keys,)
        What to combine a key with to get those that differ little, the nearest first.
    flip_counts : list of int
        How many of `flips` a chunk needs.
    bounds : ndarray of int32, shape (chunks, 2**width + 1)
        Where the hashes of each key are in `order`.
    order : ndarray of int32, shape (chunks, n)
        The hashes sorted by their key, those of a key in order.
    reached : ndarray of int32, shape (chunks, 2**width)
        How many hashes a query with a key is compared with.
    """

    block: ClassVar[int] = 1 << 16

    def __init__(
        self, hashes: PackedHashes, bits: int, radius: int, chunks: int, workers: int
    ) -> None:
        from cbir.search.hamming import kernels

        self.hashes = hashes
        self.radius = radius
        self.radii = np.array(_radii(chunks, radius))
        count = len(self.radii)
        width = min(bits // count, _KEY_BITS)
        # A fixed order, so that a search takes as long today as tomorrow; any gives the same pairs.
        shuffled = np.random.default_rng(0).permutation(_bit_places(bits))
        self.positions = shuffled[: count * width].reshape(count, width)
        self.chunk_bits = _masks(self.positions, hashes.shape[1])
        self.flips = _flips(width, int(self.radii.max()))
        self.flip_counts = [_keys_within(width, flipped) for flipped in self.radii.tolist()]
        self.bounds = np.zeros((count, (1 << width) + 1), np.int32)
        self.order = np.empty((count, len(hashes)), np.int32)
        self.reached = np.empty((count, 1 << width), np.int32)

        def file(chunk: int) -> None:
            keys, bounds = _keys(hashes, self.positions[chunk : chunk + 1])[0], self.bounds[chunk]
            np.cumsum(np.bincount(keys, minlength=1 << width), out=bounds[1:])
            self.order[chunk] = np.argsort(keys, kind="stable")
            kernels.reach(bounds, self.flips[: self.flip_counts[chunk]], self.reached[chunk])

        with ThreadPoolExecutor(workers, thread_name_prefix="cbir-hamming") as pool:
            list(pool.map(file, range(count)))

    def __call__(self, queries: PackedHashes, starts: Starts, out: PackedHashes) -> int:
        """Find what is near; see :class:`RadiusSearch`."""
        from cbir.search.hamming import kernels

        keys = _keys(queries, self.positions)
        joined = self._worth_joining(keys)
        rows = np.flatnonzero(~joined)
        count = kernels.scan(queries, rows, starts, self.hashes, self.radius, out, 0)
        rows = np.flatnonzero(joined)
        if count < 0 or len(rows) == 0:
            return count
        lowest = int(starts[rows].min())
        groups = np.empty(len(self.hashes), np.int32)
        gathered = np.empty_like(self.hashes)
        places = np.empty(self.bounds.shape[1], np.int32)
        for chunk, (order, bounds) in enumerate(zip(self.order, self.bounds, strict=True)):
            kernels.gather(self.hashes, order, bounds, lowest, groups, gathered, places)
            by_key = rows[np.argsort(keys[chunk, rows], kind="stable")]
            count = kernels.join(
                queries,
                by_key,
                keys[chunk, by_key],
                starts,
                groups,
                gathered,
                places,
                self.flips[: self.flip_counts[chunk]],
                chunk,
                self.chunk_bits,
                self.radii,
                self.radius,
                out,
                count,
            )
            if count < 0:
                break
        return count

    def _worth_joining(self, keys: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Say for which queries, given their keys, joining costs less than scanning."""
        candidates = np.zeros(keys.shape[1])
        for reached, column in zip(self.reached, keys, strict=True):
            candidates += reached[column]
        price = candidates * _CANDIDATE + sum(self.flip_counts) * _LOOKUP
        scanning = self.hashes.size * _SCANNED_WORD
        worth = price < scanning
        saved = (scanning - price)[worth].sum()
        if saved < self.order.size * _GATHERED:
            worth[:] = False
        return worth


def _bit_places(bits: int) -> NDArray[np.int64]:
    """Return where in its words the bits of a hash are, whatever the order of bytes."""
    marked = np.zeros(-(-bits // 64) * 64, np.uint8)
    marked[:bits] = 1
    words = np.packbits(marked).view(np.uint64)
    return np.array(
        [place for place in range(len(marked)) if int(words[place // 64]) >> (place % 64) & 1]
    )


def _keys(hashes: PackedHashes, positions: NDArray[np.int64]) -> NDArray[np.uint16]:
    from cbir.search.hamming import kernels

    keys = np.empty((len(positions), len(hashes)), np.uint16)
    kernels.keys(hashes, positions, keys)
    return keys


def _masks(positions: NDArray[np.int64], words: int) -> PackedHashes:
    masks = np.zeros((len(positions), words), np.uint64)
    for chunk, places in enumerate(positions):
        for place in places:
            masks[chunk, place // 64] |= np.uint64(1) << np.uint64(place % 64)
    return masks


def _flips(width: int, radius: int) -> NDArray[np.uint16]:
    """Return all numbers of `width` bits with at most `radius` ones, the fewest first."""
    return np.array(
        [
            sum(1 << bit for bit in ones)
            for flipped in range(min(width, radius) + 1)
            for ones in combinations(range(width), flipped)
        ],
        np.uint16,
    )
