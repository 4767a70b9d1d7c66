"""Ranks all images of an index by their distances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ranking(distances: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """Return the rows from near to far; equal distances in row order, which is that of the paths.

    It is a stable sort, in a fraction of the time: numpy sorts by the instructions of the processor
    where order does not matter among equal ones, and these are put in order afterwards.

    Parameters
    ----------
    distances : ndarray of float, shape (n,)
        What is no number comes last.

    Examples
    --------
    >>> ranking(np.array([0.5, 0.1, 0.5, 0.1]))
    array([1, 3, 0, 2])
    """
    order = np.argsort(distances)
    ranked = distances[order]
    if not len(ranked) or np.isnan(ranked[-1]):
        return np.argsort(distances, kind="stable")
    steps = np.zeros(len(ranked), np.intp)
    np.cumsum(ranked[1:] != ranked[:-1], out=steps[1:])
    if steps[-1] + 1 == len(ranked):
        return order
    # By distance, then by row, in one number.
    steps *= len(ranked)
    order += steps
    order.sort()
    order -= steps
    return order
