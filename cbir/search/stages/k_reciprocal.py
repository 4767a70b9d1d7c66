r"""Re-ranking by neighbors in common that are mutual: k-reciprocal encoding.

Two images that show the same are among the nearest of each other, and so are those that are near
them. The k-reciprocal neighbors of an image *p* are those of its *k1* nearest that have *p* among
their own *k1* nearest; they are expanded by the neighbors of the neighbors that share at least two
thirds with them. Each image becomes a vector of what belongs to that set, weighted by
:math:`e^{-d}`, averaged over its *k2* nearest, and two images are compared by the Jaccard distance
of these vectors.

References
----------
Z. Zhong, L. Zheng, D. Cao, S. Li, "Re-ranking person re-identification with k-reciprocal encoding",
CVPR 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating[Any]]


def jaccard_distances(distances: Matrix, k1: int = 20, k2: int = 6) -> NDArray[np.float64]:
    """Return the distances of the first image to all, by their k-reciprocal neighbors.

    Parameters
    ----------
    distances : ndarray of float, shape (n, n)
        Of a query, which is the first, and of its candidates, to each other.
    k1 : int
        Neighbors that may be reciprocal.
    k2 : int
        Neighbors over which the encodings are averaged.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 to 1.
    """
    nearest = np.argsort(distances, axis=1, kind="stable")[:, : k1 + 1]
    encodings = np.zeros(distances.shape, np.float64)
    for row in range(len(distances)):
        members = _expanded(nearest, row, k1)
        weights = np.exp(-np.asarray(distances[row, members], np.float64))
        encodings[row, members] = weights / weights.sum()
    if k2 > 1:
        encodings = encodings[nearest[:, :k2]].mean(axis=1)
    common = np.minimum(encodings[0], encodings).sum(axis=1)
    return 1 - common / (2 - common)


def _expanded(nearest: NDArray[np.intp], row: int, k1: int) -> NDArray[np.intp]:
    """Return the k-reciprocal neighbors of a row, with those of neighbors that share most."""
    own = _reciprocal(nearest, row, k1)
    sets = [own]
    for neighbor in own:
        theirs = _reciprocal(nearest, int(neighbor), round(k1 / 2))
        if 3 * len(np.intersect1d(theirs, own)) > 2 * len(theirs):
            sets.append(theirs)
    return np.unique(np.concatenate(sets))


def _reciprocal(nearest: NDArray[np.intp], row: int, k: int) -> NDArray[np.intp]:
    forward = nearest[row, : k + 1]
    return forward[(nearest[forward, : k + 1] == row).any(axis=1)]
