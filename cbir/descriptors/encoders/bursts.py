"""Early merging of bursts: features of one image that look alike become one.

Windows of a facade, or leaves, give a burst of features that say no more than one of them does.
They are merged before they are assigned to words, so that they take less room in an index.

References
----------
M. Shi, Y. Avrithis, H. Jégou, "Early burst detection for memory-efficient image retrieval", CVPR
2015. There, size and orientation of features have to agree, too; here, descriptors alone do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from cbir.descriptors.encoders.clustering import Bytes

_ROWS_PER_BLOCK = 1024


def merged(descriptors: Bytes, likeness: float, is_binary: bool) -> Bytes:
    """Merge descriptors that are alike; a chain of such belongs to one burst.

    Parameters
    ----------
    descriptors : ndarray of uint8, shape (n, b)
        Of one image.
    likeness : float
        The cosine from which two are alike, up to 1: then, none is merged.
    is_binary : bool
        They are packed bits, which count as 1 and −1.

    Returns
    -------
    ndarray of uint8, shape (m, b)
        A descriptor for each burst, in the order of its first: the mean, as long as those that it
        is made of are on average, or the bits of the majority. What is in no burst is as it was.

    Examples
    --------
    >>> wall = np.array([[80, 60], [0, 90], [100, 60]], np.uint8)
    >>> merged(wall, 0.9, is_binary=False).tolist()
    [[90, 60], [0, 90]]
    """
    if likeness >= 1 or len(descriptors) < 2:
        return descriptors
    vectors = descriptors.astype(np.float32)
    if is_binary:
        vectors = np.unpackbits(descriptors, axis=1).astype(np.float32) * 2 - 1
    lengths = np.linalg.norm(vectors, axis=1)
    units = vectors / np.maximum(lengths, 1)[:, None]
    count, labels = connected_components(_alike(units, np.float32(likeness)), directed=False)
    if count == len(descriptors):
        return descriptors
    sums = np.zeros((count, vectors.shape[1]), np.float64)
    np.add.at(sums, labels, vectors)
    if is_binary:
        return np.packbits(sums > 0, axis=1)
    sizes = np.bincount(labels)
    mean_lengths = np.bincount(labels, lengths.astype(np.float64)) / sizes
    scales = mean_lengths / np.maximum(np.linalg.norm(sums, axis=1), 1)
    means: Bytes = np.minimum(np.rint(sums * scales[:, None]), 255).astype(np.uint8)
    return means


def _alike(units: NDArray[np.float32], likeness: np.float32) -> sparse.coo_array:
    """Return which unit vectors are alike, without a matrix of all pairs in memory."""
    pairs = []
    for start in range(0, len(units), _ROWS_PER_BLOCK):
        one, other = np.nonzero(units[start : start + _ROWS_PER_BLOCK] @ units.T >= likeness)
        pairs.append((one + start, other))
    rows, columns = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return sparse.coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(len(units),) * 2)
