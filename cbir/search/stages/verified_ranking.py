"""How distances change by what spatial verification found: what is verified comes first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbir.search.candidates import Distances
from cbir.verification.spatial_matching import SAME_THING

_CAUTION = 3
"""The power of the evidence: half of what is asked for moves an image by an eighth of the way."""


def verified_distances(distances: Distances, scores: NDArray[np.float64]) -> Distances:
    """Return distances after verification.

    An image that shows the same thing comes before all that do not, those with the higher scores
    first. Weaker evidence moves an image a part of the way there, little at first; without any,
    its distance stays. So no distance grows, and what is not verified keeps its order.

    Parameters
    ----------
    distances : ndarray of float64, shape (n,)
        0 or more, in any unit.
    scores : ndarray of float64, shape (n,)
        Of :class:`~cbir.verification.spatial_matching.SpatialMatch`; 0 where there is none.

    Returns
    -------
    ndarray of float64, shape (n,)
        With c = min(1, score / :data:`SAME_THING`)³, the share 1 - c of the distance, and the share
        c of where its score alone would put it: below the nearest that is not the same thing, but
        for those at a distance of 0, for nothing is before these.

    Examples
    --------
    >>> scores = np.array([0, 0, 2 * SAME_THING, SAME_THING])
    >>> verified_distances(np.array([0.2, 0.3, 0.5, 0.6]), scores).round(3).tolist()
    [0.2, 0.3, 0.067, 0.1]
    """
    others = distances[(scores < SAME_THING) & (distances > 0)]
    nearest = others.min() if len(others) else distances.max(initial=0.0)
    evidence = np.minimum(1, scores / SAME_THING) ** _CAUTION
    place = np.minimum(distances, nearest) * SAME_THING / (SAME_THING + scores)
    return np.asarray((1 - evidence) * distances + evidence * place)
