"""Exact search of packed bits within a Hamming distance: all pairs, or the neighbors of queries.

Identical hashes are compared once, as a group, and pairs are handed over in parts, so that blank
images, of which ten thousand make fifty million pairs, take neither long nor much memory. How
the groups are compared is decided by :mod:`cbir.search.hamming.searches`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UsageError
from cbir.core.threads import threads
from cbir.search.hamming.searches import PackedHashes, plan

Bits = NDArray[np.uint8]

_AHEAD = 2
"""Tasks a thread that may be finished or waiting before their turn."""

_MATCHES = 1 << 22
"""Matches that a task may find before it is halved, unless a single row may have more."""

_PAIRS = 1 << 18
"""Pairs to hand over at a time, unless a single row has more."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of rows with their distances, sorted by `first`, then by `second`.

    Attributes
    ----------
    first, second : ndarray of int32, shape (k,)
        Row numbers.
    distance : ndarray of uint16, shape (k,)
        Differing bits.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    distance: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.first)


def pairs_within(hashes: Bits, radius: int, workers: int | None = None) -> Iterator[Pairs]:
    """Find all pairs of rows that differ in at most `radius` bits.

    There may be as many as n (n - 1) / 2 pairs, so they come in parts, and only a few parts are
    in memory at any time.

    Parameters
    ----------
    hashes : ndarray of uint8, shape (n, bytes)
        Packed bits; at most 8191 bytes a row.
    radius : int
        0 finds identical rows; from the number of bits on, every pair is found.
    workers : int, optional
        Threads; by default one a core. The result does not depend on it.

    Yields
    ------
    Pairs
        With ``first < second``. All parts together are sorted; none is empty.

    Raises
    ------
    UsageError
        When the hashes are not packed bits, too long or too many.

    Examples
    --------
    >>> hashes = np.array([[0b0000], [0b1111], [0b0001], [0b0000]], np.uint8)
    >>> for pairs in pairs_within(hashes, 1):
    ...     print(pairs.first, pairs.second, pairs.distance)
    [0 0 2] [2 3 3] [1 0 1]
    """
    words = _words(hashes)
    after = np.arange(len(words), dtype=np.int32)
    return _matches(words, after, words, hashes.shape[1] * 8, radius, workers)


def neighbors_within(
    queries: Bits, hashes: Bits, radius: int, workers: int | None = None
) -> Iterator[Pairs]:
    """Find the rows of `hashes` that differ from each query in at most `radius` bits.

    Parameters
    ----------
    queries : ndarray of uint8, shape (m, bytes)
    hashes : ndarray of uint8, shape (n, bytes)
    radius, workers
        As for :func:`pairs_within`.

    Yields
    ------
    Pairs
        ``first`` are rows of `queries`, ``second`` of `hashes`. All parts together are sorted;
        none is empty.

    Raises
    ------
    UsageError
        As for :func:`pairs_within`, and when the queries are not as long as the hashes.

    Examples
    --------
    >>> hashes = np.array([[0b0000], [0b1111], [0b0001]], np.uint8)
    >>> for pairs in neighbors_within(np.array([[0b0111]], np.uint8), hashes, 2):
    ...     print(pairs.first, pairs.second, pairs.distance)
    [0 0] [1 2] [1 2]
    """
    rows, words = _words(queries), _words(hashes)
    if queries.shape[1] != hashes.shape[1]:
        raise UsageError(
            f"queries of {queries.shape[1]} bytes cannot be compared with hashes of "
            f"{hashes.shape[1]}; compute both by the same descriptor"
        )
    after = np.full(len(rows), -1, np.int32)
    return _matches(rows, after, words, hashes.shape[1] * 8, radius, workers)


def _words(hashes: Bits) -> PackedHashes:
    """Return packed bits as 64-bit words, padded by zeros."""
    if hashes.ndim != 2 or hashes.dtype != np.uint8:
        raise UsageError(
            f"hashes must be packed bits, uint8 of shape (n, bytes), "
            f"not {hashes.dtype} of shape {hashes.shape}"
        )
    if hashes.shape[1] >= 1 << 13 or len(hashes) >= 1 << 31:
        raise UsageError("there can be 8191 bytes a hash and 2147483647 hashes at most")
    if hashes.shape[1] % 8 or hashes.shape[1] == 0:
        hashes = np.pad(hashes, ((0, 0), (0, max(-hashes.shape[1] % 8, 8 - hashes.shape[1]))))
    return np.ascontiguousarray(hashes).view(np.uint64)


class _Groups:
    """Identical hashes, sorted by the last row of each group; the rows of a group are in order.

    So a row's partners among later rows are in the groups from some number on.

    Parameters
    ----------
    words : ndarray of uint64, shape (n, words)
        One row at least.

    Attributes
    ----------
    hashes : ndarray of uint64, shape (groups, words)
    members : ndarray of int32, shape (n,)
        The rows, group by group.
    bounds : ndarray of int64, shape (groups + 1,)
        Where the members of each group are.
    """

    def __init__(self, words: PackedHashes) -> None:
        order = np.lexsort(words.T)
        new = np.zeros(len(words), bool)
        new[0] = True
        for column in words.T:
            values = column[order]
            new[1:] |= values[1:] != values[:-1]
        ends = np.append(np.flatnonzero(new)[1:], len(words))
        last = np.empty(len(words), np.int32)  # of the group that each row is in
        last[order] = np.repeat(order[ends - 1], np.diff(ends, prepend=0))
        self.members = np.argsort(last, kind="stable").astype(np.int32)
        last = last[self.members]
        self.bounds = np.concatenate([[0], np.flatnonzero(np.diff(last)) + 1, [len(words)]])
        self.hashes = words[last[self.bounds[:-1]]]

    def sizes(self, groups: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many rows each of `groups` has."""
        return self.bounds[groups + 1] - self.bounds[groups]

    def starts(self, after: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the first group that has a row after each of `after`."""
        return np.searchsorted(self.members[self.bounds[1:] - 1], after, side="right")


def _matches(
    rows: PackedHashes,
    after: NDArray[np.int32],
    words: PackedHashes,
    bits: int,
    radius: int,
    workers: int | None,
) -> Iterator[Pairs]:
    """Yield the rows of `words` after `after` that are near each of `rows`."""
    if radius < 0 or len(rows) == 0 or len(words) == 0:
        return
    workers = threads(workers)
    groups = _Groups(words)
    starts = groups.starts(after)
    search = plan(groups.hashes, starts, bits, min(radius, bits), workers)
    room = max(_MATCHES, len(words))

    def find(block: slice) -> PackedHashes | None:
        matches = np.empty(room, np.uint64)
        count = search(rows[block], starts[block], matches)
        return None if count < 0 else np.sort(matches[:count])

    # Blocks of early rows are more work than those of late ones: several a thread even that out.
    step = min(search.block, max(256, len(rows) // (4 * workers)))
    blocks = (slice(row, min(row + step, len(rows))) for row in range(0, len(rows), step))
    held = _joined([])
    for block, matches in _in_order(find, blocks, workers):
        for part in _in_parts(matches, groups):
            held = _joined([held, _expanded(part, groups, after[block], block.start)])
            if len(held) >= _PAIRS:
                yield held
                held = _joined([])
    if len(held):
        yield held


def _in_order(
    find: Callable[[slice], PackedHashes | None], blocks: Iterator[slice], workers: int
) -> Iterator[tuple[slice, PackedHashes]]:
    """Yield what `find` gives for each block; it gives None for one that is to be halved.

    A block of one row is never too large, so memory is bounded by the tasks that are ahead.
    """
    pending: deque[tuple[slice, Future[PackedHashes | None]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="cbir-hamming") as pool:
        try:
            while True:
                while len(pending) < _AHEAD * workers and (block := next(blocks, None)):
                    pending.append((block, pool.submit(find, block)))
                if not pending:
                    return
                block, future = pending.popleft()
                found = future.result()
                del future  # and with it a second reference to what was found
                if found is not None:
                    yield block, found
                    continue
                middle = (block.start + block.stop) // 2
                for half in (slice(middle, block.stop), slice(block.start, middle)):
                    pending.appendleft((half, pool.submit(find, half)))
        finally:
            for _, future in pending:
                future.cancel()


def _in_parts(matches: PackedHashes, groups: _Groups) -> Iterator[PackedHashes]:
    """Cut sorted matches between rows so that the pairs of each part are not many."""
    rows = (matches >> np.uint64(48)).astype(np.int64)
    ends = np.append(np.flatnonzero(np.diff(rows)) + 1, len(matches))
    pairs = np.cumsum(groups.sizes(_group_of(matches)))[ends - 1] if len(matches) else ends
    first = 0
    while first < len(matches):
        place = np.searchsorted(ends, first, side="right")
        before = pairs[place - 1] if place else 0
        place = max(place, np.searchsorted(pairs, before + _PAIRS, side="right") - 1)
        yield matches[first : ends[place]]
        first = int(ends[place])


def _expanded(
    matches: PackedHashes, groups: _Groups, after: NDArray[np.int32], first_row: int
) -> Pairs:
    """Put the members in the place of the groups, in order."""
    group = _group_of(matches)
    places, sizes = groups.bounds[group], groups.sizes(group)
    total = int(sizes.sum())
    if total > len(matches):
        matches = np.repeat(matches, sizes)
        places = np.repeat(places - (np.cumsum(sizes) - sizes), sizes) + np.arange(total)
    members = groups.members[places]
    kept = members > after[(matches >> np.uint64(48)).astype(np.int64)]
    others = matches & np.uint64(0xFFFF_0000_0000_FFFF)
    pairs = np.sort((others | (members.astype(np.uint64) << np.uint64(16)))[kept])
    return Pairs(
        (pairs >> np.uint64(48)).astype(np.int32) + np.int32(first_row),
        ((pairs >> np.uint64(16)) & np.uint64(0xFFFFFFFF)).astype(np.int32),
        (pairs & np.uint64(0xFFFF)).astype(np.uint16),
    )


def _group_of(matches: PackedHashes) -> NDArray[np.int64]:
    return ((matches >> np.uint64(16)) & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _joined(parts: list[Pairs]) -> Pairs:
    return Pairs(
        np.concatenate([np.empty(0, np.int32), *(part.first for part in parts)]),
        np.concatenate([np.empty(0, np.int32), *(part.second for part in parts)]),
        np.concatenate([np.empty(0, np.uint16), *(part.distance for part in parts)]),
    )
