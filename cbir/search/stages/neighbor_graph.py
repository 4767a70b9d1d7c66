r"""Which images are neighbors: what re-ranking trusts.

A neighbor of an image is one of its `k` nearest that is at most `ratio` times as far as the nearest
of all that is no copy. The second condition, which the papers do not have, makes the neighborhood
as large as the image allows: of a scene that was photographed twice, the other photograph is much
nearer than all else, and is the only neighbor; of a kind of image of which there are hundreds, all
are about equally near. Only mutual neighbors are linked: those that are neighbors of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Neighborhoods:
    """The neighbors of each image.

    Attributes
    ----------
    nearest : ndarray of int, shape (n, k + 1)
        Each image itself, and then its nearest in their order.
    distances : ndarray of float64, shape (n, k + 1)
        To these.
    are_near : ndarray of bool, shape (n, k + 1)
        Whether they are at most `ratio` times as far as the nearest.
    """

    nearest: NDArray[np.intp]
    distances: NDArray[np.float64]
    are_near: NDArray[np.bool_]

    @classmethod
    def of(cls, distances: Matrix, k: int, ratio: float) -> Neighborhoods:
        """Find the neighbors of each image.

        Parameters
        ----------
        distances : ndarray of float, shape (n, n)
            From each image to all; 0 or more. What is on the diagonal does not matter.
        k : int
        ratio : float
            From 1 on; infinity: all of the `k` nearest are neighbors.

        Examples
        --------
        >>> distances = np.abs(np.subtract.outer([0, 1, 1.2, 3], [0, 1, 1.2, 3]))
        >>> found = Neighborhoods.of(distances, 2, 1.5)
        >>> found.nearest.tolist()
        [[0, 1, 2], [1, 2, 0], [2, 1, 0], [3, 2, 1]]
        >>> found.are_near.tolist()[:2]
        [[True, True, True], [True, True, False]]
        """
        own = np.array(distances, np.float64)
        np.fill_diagonal(own, -1)  # so that an image is its own nearest, also beside copies of it
        nearest = _smallest(own, min(k + 1, len(own)))
        to_nearest = np.maximum(np.take_along_axis(own, nearest, axis=1), 0)
        # What is at distance 0 is a copy, beside which all else would be too far.
        first = np.where(to_nearest > 0, to_nearest, np.inf).min(axis=1, keepdims=True)
        are_near = (to_nearest <= ratio * first) & np.isfinite(to_nearest)
        return cls(nearest, to_nearest, are_near)

    def mutual(self, k: int | None = None) -> sparse.csr_array:
        """Return who are neighbors of each other, itself among them.

        Parameters
        ----------
        k : int, optional
            Of so many nearest only: of all that are known unless told otherwise.

        Returns
        -------
        csr_array of float64, shape (n, n)
            1 for neighbors, and nothing for others.
        """
        stop = None if k is None else k + 1
        forward = _matrix(self.nearest[:, :stop], self.are_near[:, :stop].astype(np.float64))
        return forward.multiply(forward.T).tocsr()


def weighted_mean(
    encodings: sparse.csr_array, neighborhoods: Neighborhoods, k: int
) -> sparse.csr_array:
    """Return each image's encoding averaged over itself and those of its `k` nearest that are near.

    Each counts by its similarity, the exponential of the negative distance.
    """
    some = slice(None, k)
    weights = np.exp(-neighborhoods.distances[:, some]) * neighborhoods.are_near[:, some]
    weights /= weights.sum(axis=1, keepdims=True)
    return _matrix(neighborhoods.nearest[:, some], weights) @ encodings


def _smallest(values: Matrix, count: int) -> NDArray[np.intp]:
    """Return where the smallest of each row are, in their order; equal ones in that of the columns.

    Ties at the end are broken by column, too, which a partition alone does not do.
    """
    last = np.partition(values, count - 1, axis=1)[:, count - 1 : count]
    found = np.empty((len(values), count), np.intp)
    for row, (some, limit) in enumerate(zip(values, last, strict=True)):
        within = np.flatnonzero(some <= limit)
        found[row] = within[np.argsort(some[within], kind="stable")[:count]]
    return found


def _matrix(columns: NDArray[np.intp], values: NDArray[np.float64]) -> sparse.csr_array:
    """Return a square matrix that has some values in each row, and no zeros."""
    there = values != 0
    starts = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    shape = len(columns), len(columns)
    return sparse.csr_array((values[there], columns[there], starts), shape=shape)
