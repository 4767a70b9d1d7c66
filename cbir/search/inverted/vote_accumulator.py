"""Compiled counting of votes; see :mod:`cbir.search.inverted.lsh_index`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.search.compiling import compiled
from cbir.search.hamming.kernels import ones

_SECTORS = 16
"""Of a turn, by which votes are counted apart: a copy is turned as a whole."""


class VoteAccumulator:
    """Room for counting, used again and again by one thread.

    Parameters
    ----------
    images : int
        How many there may be votes for.

    Attributes
    ----------
    counts : ndarray of uint16, shape (images, 16)
        All zero between two counts.
    last : ndarray of int32, shape (images, 16)
        The feature that voted last; all -1 between two counts.
    touched : ndarray of int32, shape (images,)
        The images that were voted for.
    best : ndarray of int32, shape (images,)
        Their votes.
    """

    def __init__(self, images: int) -> None:
        self.counts = np.zeros((images, _SECTORS), np.uint16)
        self.last = np.full((images, _SECTORS), -1, np.int32)
        self.touched = np.empty(images, np.int32)
        self.best = np.empty(images, np.int32)

    def count(self, *query_and_index: Any) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the images that are voted for, sorted, and their votes; see :func:`_votes`."""
        room = (self.counts, self.last, self.touched, self.best)
        found = int(_votes(*query_and_index, *room))
        order = np.argsort(self.touched[:found])
        return self.touched[:found][order], self.best[:found][order]


@compiled
def _votes(  # type: ignore[no-untyped-def]
    bits, turns, flips, signatures, owners, others, starts, shift, farthest,
    counts, last, touched, best,
):  # fmt: skip
    """Count, for each image, the features of a query that find an alike one in it.

    A feature votes once for an image and rotation. Two neighboring sectors are added up, for
    rotations fall on both sides of a border.
    """
    found = 0
    for i in range(len(bits)):
        for k in range(flips.shape[1]):
            bucket = (bits[i] ^ flips[i, k]) >> np.uint64(shift)
            for j in range(starts[bucket], starts[bucket + np.uint64(1)]):
                if ones(bits[i] ^ signatures[j]) > farthest:
                    continue
                sector = ((np.int64(others[j]) - np.int64(turns[i])) & 255) // (256 // _SECTORS)
                owner = owners[j]
                if last[owner, sector] != i:
                    if last[owner].max() < 0:
                        touched[found] = owner
                        found += 1
                    last[owner, sector] = i
                    counts[owner, sector] += 1
    for place in range(found):
        owner = touched[place]
        best[place] = 0
        for first in range(_SECTORS):
            both = counts[owner, first] + counts[owner, (first + 1) % _SECTORS]
            best[place] = max(best[place], both)
        counts[owner] = 0
        last[owner] = -1
    return found
