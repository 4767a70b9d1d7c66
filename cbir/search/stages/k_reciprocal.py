r"""Re-ranking by the neighbors that images have in common: k-reciprocal encoding.

Two images that show the same are neighbors of each other, and so are those that are near them. The
reciprocal neighbors of an image are those of its `k1` nearest of which it is a neighbor, too. To
them come the reciprocal neighbors, among the `k1` / 2 nearest, of each of them that shares enough
with them. Each image becomes a vector of what belongs to this set, weighted by :math:`e^{-d}` and
averaged over the `k2` nearest; images are compared by the Jaccard distance of these vectors.

It departs from the paper in that neighbors are not farther than a multiple of the nearest
(:mod:`cbir.search.stages.neighbor_graph`), which is what keeps it from harming searches with few
right images; in that half of the neighbors shared are enough, not two thirds; and in that the mean
over the nearest is weighted.

References
----------
Z. Zhong, L. Zheng, D. Cao, S. Li, "Re-ranking person re-identification with k-reciprocal encoding",
CVPR 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cbir.search.stages.neighbor_graph import Matrix, Neighborhoods, weighted_mean

K1 = 30
K2 = 6
RATIO = 1.25
SHARED = 0.5


def jaccard_distances(
    distances: Matrix, k1: int = K1, k2: int = K2, ratio: float = RATIO, shared: float = SHARED
) -> NDArray[np.float64]:
    """Return the distances of the first image to all, by their reciprocal neighbors.

    Parameters
    ----------
    distances : ndarray of float, shape (n, n)
        Of a query, which is the first, and of its candidates, to each other; of the order of 1.
    k1 : int
        Neighbors at most.
    k2 : int
        Images over which an encoding is averaged, itself among them.
    ratio : float
        How many times as far as the nearest a neighbor may be.
    shared : float
        Which share of the reciprocal neighbors of a neighbor has to be shared, for these to count.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 to 1, which is for images that have no neighbor in common.

    Examples
    --------
    >>> places = np.array([0, 1, 1.1, 5, 5.1])
    >>> distances = np.abs(np.subtract.outer(places, places)) / 5
    >>> jaccard_distances(distances, k1=2, k2=1, ratio=np.inf).round(2).tolist()
    [0.0, 0.16, 0.17, 1.0, 1.0]
    """
    neighborhoods = Neighborhoods.of(distances, k1, ratio)
    members = _expanded(neighborhoods, k1, shared)
    encodings = _encoded(members, distances)
    if k2 > 1:
        encodings = weighted_mean(encodings, neighborhoods, k2)
    of_first = encodings[[0]].toarray()[0]
    encodings.data = np.minimum(encodings.data, of_first[encodings.indices])
    common = np.asarray(encodings.sum(axis=1)).ravel()
    return np.clip(1 - common / (2 - common), 0, 1)


def _expanded(neighborhoods: Neighborhoods, k1: int, shared: float) -> sparse.csr_array:
    """Return who belongs to the set of each image: its reciprocal neighbors, and theirs."""
    own, theirs = neighborhoods.mutual(), neighborhoods.mutual(round(k1 / 2))
    sizes = np.asarray(theirs.sum(axis=1)).ravel()
    in_common = own.multiply(own @ theirs.T).tocsr()
    in_common.data = (in_common.data > shared * sizes[in_common.indices]).astype(np.float64)
    return (own + in_common @ theirs).tocsr()


def _encoded(members: sparse.csr_array, distances: Matrix) -> sparse.csr_array:
    """Return the encodings: of each image the weights of the members of its set, 1 in sum."""
    members.eliminate_zeros()
    rows = np.repeat(np.arange(len(distances)), np.diff(members.indptr))
    to_members = np.where(rows == members.indices, 0, distances[rows, members.indices])
    weights = np.exp(-np.asarray(to_members, np.float64))
    weights /= np.bincount(rows, weights, len(distances))[rows]
    return sparse.csr_array((weights, members.indices, members.indptr), shape=members.shape)
