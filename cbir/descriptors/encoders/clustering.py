"""K-means of very many descriptors, in rounds that an interrupted run goes on after.

The assignment of a round is a product of matrices, which the linear algebra library does. The
rounds are here, because no library that the package needs can be stopped and resumed between them.
All numbers are whole and below 2^24, so that single precision is exact, and the words are the same
on any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.amounts import counted
from cbir.core.progress import ProgressListener
from cbir.core.threads import cores, ordered_map
from cbir.descriptors.resumable import Rounds

Bytes = NDArray[np.uint8]

Nearest = Callable[[Bytes, Bytes], tuple[NDArray[np.intp], NDArray[Any]]]
"""Returns the nearest center of each row, and the distance to it."""

Centers = Callable[[Bytes, NDArray[np.intp], Bytes], Bytes]
"""Returns the centers of the rows that have each label; for labels without rows, the old ones."""

_ROWS_PER_BLOCK = 512


def cluster(
    rows: Bytes,
    count: int,
    rounds: int,
    nearest: Nearest,
    centers: Centers,
    listener: ProgressListener | None = None,
    kept: Rounds | None = None,
) -> Bytes:
    """Cluster descriptors; always the same way.

    Parameters
    ----------
    rows : ndarray of uint8, shape (n, d)
    count : int
        Centers wanted.
    rounds : int
    nearest, centers : callable
        What a nearest center and the center of some rows are.
    listener : ProgressListener, optional
        Told of each round.
    kept : Rounds, optional
        What an interrupted run left, and where this one keeps its rounds.

    Returns
    -------
    ndarray of uint8, shape (k, d)
        Fewer than `count` centers if there are not as many distinct rows.

    Examples
    --------
    >>> rows = np.array([[1], [2], [90], [91]], np.uint8)
    >>> np.sort(cluster(rows, 2, 5, nearest_numbers, mean_numbers).ravel())
    array([ 2, 91], dtype=uint8)
    """
    listener, kept = listener or ProgressListener(), kept or Rounds()
    done, words = _begun(kept, rows, count, rounds) or (0, _seeds(rows, count))
    if len(words) < count:
        listener.warn(
            f"there are only {counted(len(words), 'different feature')} for {count:,} words, so"
            " that the vocabulary has no more words than that; train on more images, or ask for"
            " fewer with words="
        )
        return words
    listener.begin("clustering", rounds, "rounds")
    for done_before in range(rounds):
        if done_before >= done:
            labels, distances = in_blocks(rows, words, nearest)
            moved = centers(rows, labels, words)
            empty = np.flatnonzero(np.bincount(labels, minlength=count) == 0)
            # A center that nobody wants takes the place of a row that is served worst.
            moved[empty] = rows[np.argsort(-distances, kind="stable")[: len(empty)]]
            is_settled = np.array_equal(moved, words)
            words = moved
            kept.keep(done_before + 1, words)
            if is_settled:
                break
        listener.advance()
    listener.end()
    return words


def _begun(kept: Rounds, rows: Bytes, count: int, rounds: int) -> tuple[int, Bytes] | None:
    """Return what an interrupted run left, if it can be of such a run."""
    last = kept.last()
    is_sound = last and 1 <= last[0] <= rounds and last[1].shape == (count, rows.shape[1])
    return last if is_sound else None


def _seeds(rows: Bytes, count: int) -> Bytes:
    """Draw distinct rows, or take them all if there are no more."""
    order = np.random.default_rng(0).permutation(len(rows))
    drawn: dict[bytes, int] = {}
    for place in order:
        drawn.setdefault(rows[place].tobytes(), int(place))
        if len(drawn) == count:
            break
    return rows[np.sort(np.fromiter(drawn.values(), np.intp, len(drawn)))]


def in_blocks(rows: Bytes, words: Bytes, nearest: Nearest) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Compute `nearest` block by block, on all cores."""
    blocks = [
        rows[start : start + _ROWS_PER_BLOCK] for start in range(0, len(rows), _ROWS_PER_BLOCK)
    ]
    found = list(ordered_map(lambda block: nearest(block, words), blocks, cores(), batch=1))
    labels, distances = zip(*found, strict=True)
    return np.concatenate(labels), np.concatenate(distances)


def nearest_numbers(rows: Bytes, words: Bytes) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the nearest words by Euclidean distance, and its square without what all share.

    Examples
    --------
    >>> nearest_numbers(np.array([[9]], np.uint8), np.array([[1], [8]], np.uint8))
    (array([1]), array([1.], dtype=float32))
    """
    a, b = rows.astype(np.float32), words.astype(np.float32)
    distances = a @ (-2 * b.T)
    distances += np.einsum("ij,ij->i", b, b)
    labels = distances.argmin(axis=1)
    own = np.einsum("ij,ij->i", a, a)
    return labels, distances[np.arange(len(rows)), labels] + own


def mean_numbers(rows: Bytes, labels: NDArray[np.intp], words: Bytes) -> Bytes:
    """Return the rounded means of the rows that have each label."""
    order = np.argsort(labels, kind="stable")
    used, starts = np.unique(labels[order], return_index=True)
    sizes = np.diff(np.r_[starts, len(labels)])
    moved = words.copy()
    # Row by row group: all rows at once in wider numbers would take four times their memory.
    for word, start, size in zip(used.tolist(), starts.tolist(), sizes.tolist(), strict=True):
        members = rows[order[start : start + size]]
        sums = members.sum(axis=0, dtype=np.int64)
        moved[word] = (2 * sums + size) // (2 * size)
    return moved
