"""The nearest words of a large vocabulary, found without comparing with all of them.

Words lie in cells, the clusters of a few hundred centers. A descriptor is compared with the centers
first, and then with the words of the nearest cells only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.encoders.clustering import Bytes, cluster, mean_numbers, nearest_numbers

_ROUNDS = 10

_PROBES = 8
"""Cells that are looked into. Of the nearest words of RootSIFT descriptors, 93 of 100 are there;
with twice as many cells it is 98 of 100, and the same things are found no better."""

_FEW_WORDS = 512
"""Up to so many, all words are compared."""

_BLOCK = 1 << 24
"""Distances that are held at a time: more than any image has by a vocabulary that was trained."""

_MOST_PLACES = 1 << 16
"""Of a row, among which the smallest are found."""


@dataclass(frozen=True)
class WordCells:
    """The words of a vocabulary, sorted by cell.

    Parameters
    ----------
    words : ndarray of uint8, shape (k, d)
        Those of the first cell first.
    cells : ndarray of uint8, shape (c, d)
        The centers.
    starts : ndarray of int32, shape (c + 1,)
        Where the words of each cell begin.

    References
    ----------
    H. Jégou, M. Douze, C. Schmid, "Product quantization for nearest neighbor search", PAMI 33(1),
    2011, for coarse cells of which several are looked into.
    """

    words: Bytes
    cells: Bytes
    starts: NDArray[np.int32]

    @classmethod
    def of(cls, words: Bytes) -> WordCells:
        """Sort words into cells, as many as a cell has words.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> WordCells.of(rng.integers(0, 255, (100, 4), dtype=np.uint8)).cells.shape
        (10, 4)
        """
        count = max(1, round(len(words) ** 0.5))
        cells = cluster(words, count, _ROUNDS, nearest_numbers, mean_numbers)
        labels, _ = nearest_numbers(words, cells) if len(words) else (np.empty(0, np.intp), None)
        order = np.argsort(labels, kind="stable")
        starts = np.searchsorted(labels[order], np.arange(len(cells) + 1)).astype(np.int32)
        return cls(np.ascontiguousarray(words[order]), cells, starts)

    @cached_property
    def _numbers(self) -> NDArray[np.float32]:
        return self.words.astype(np.float32)

    @cached_property
    def _squares(self) -> NDArray[np.float32]:
        return np.einsum("ij,ij->i", self._numbers, self._numbers)

    def nearest(self, descriptors: Bytes, count: int = 1) -> NDArray[np.intp]:
        """Return the nearest words of each descriptor, as far as they are in the nearest cells.

        Parameters
        ----------
        descriptors : ndarray of uint8, shape (n, d)
        count : int
            How many words; at most k.

        Returns
        -------
        ndarray of intp, shape (n, count)
            The nearest first, among equals the one with the lower number.
        """
        count = min(count, len(self.words))
        step = max(1, _BLOCK // self._most_distances(count))
        blocks = range(0, max(len(descriptors), 1), step)
        return np.concatenate([self._nearest(descriptors[i : i + step], count) for i in blocks])

    def _most_distances(self, count: int) -> int:
        """Return how many distances of a descriptor are held at once, at least 1."""
        if len(self.words) <= _FEW_WORDS:
            return max(len(self.words), 1)
        largest = int(np.diff(self.starts).max())
        return max(len(self.cells), largest, self._probes(count) * count)

    def _probes(self, count: int) -> int:
        """Return how many cells are looked into."""
        # More where the first ones may hold fewer words than are wanted.
        fewest = np.searchsorted(np.cumsum(np.sort(np.diff(self.starts))), count) + 1
        return min(max(_PROBES, int(fewest)), len(self.cells))

    def _nearest(self, descriptors: Bytes, count: int) -> NDArray[np.intp]:
        rows = descriptors.astype(np.float32)
        if len(self.words) <= _FEW_WORDS or not len(rows):
            distances = self._squares - 2 * (rows @ self._numbers.T)
            return np.argsort(distances, axis=1, kind="stable")[:, :count]
        centers = self.cells.astype(np.float32)
        to_cells = np.einsum("ij,ij->i", centers, centers) - 2 * (rows @ centers.T)
        probes = self._probes(count)
        probed = _smallest(to_cells, probes)
        words = np.zeros((len(rows), probes, count), np.intp)
        distances = np.full((len(rows), probes, count), np.inf, np.float32)
        order = np.argsort(probed, axis=None, kind="stable")
        ends = np.searchsorted(probed.ravel()[order], np.arange(len(self.cells) + 1))
        for cell in np.flatnonzero(np.diff(ends)).tolist():
            some, probe = np.divmod(order[ends[cell] : ends[cell + 1]], probes)
            first, last = self.starts[cell], self.starts[cell + 1]
            if first == last:
                continue
            near = self._squares[first:last] - 2 * (rows[some] @ self._numbers[first:last].T)
            if count == 1:
                best = near.argmin(axis=1)[:, None]
            elif count < near.shape[1]:
                best = _smallest(near, count)
            else:
                best = np.broadcast_to(np.arange(near.shape[1]), near.shape)
            filled = best.shape[1]  # a cell may have fewer words than are wanted
            words[some, probe, :filled] = first + best
            distances[some, probe, :filled] = near[np.arange(len(near))[:, None], best]
        flat_words, flat = words.reshape(len(rows), -1), distances.reshape(len(rows), -1)
        ranked = np.lexsort((flat_words, flat), axis=1)[:, :count]
        return np.take_along_axis(flat_words, ranked, axis=1)


def _smallest(near: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return the places of the smallest numbers of each row, in any order; of equals the first.

    Examples
    --------
    >>> np.sort(_smallest(np.array([[4, 7, 4, -1, 4]], np.float32), 3))
    array([[0, 2, 3]])
    """
    assert near.shape[1] <= _MOST_PLACES
    # All are whole; with its place, each is another one, so that there is one answer only.
    keys = near.astype(np.int64) << 16 | np.arange(near.shape[1])
    return np.partition(keys, count - 1, axis=1)[:, :count] & (_MOST_PLACES - 1)
