r"""One distance from those to several examples.

**Together.** The distance of an image that is at :math:`d_1 \ldots d_n` from *n* queries is their
power mean with a negative exponent, a soft minimum:

.. math:: d = \Bigl(\frac{1}{n} \sum_i d_i^{-4}\Bigr)^{-1/4}.

What is near to one of the queries is near, what is near to several is nearer. It is as far as the
queries are if they all are equally far, 0 at any of them, and changes with the unit of the
distances only as these do, so that it serves every metric and every fusion.

**Feedback.** With :math:`p` the soft minimum of the distances to the query and to what is liked,
and :math:`n` that of the distances to what is disliked, the distance is

.. math:: d = p \cdot \frac{p}{n}.

What is as far from both keeps its distance; what is nearer to what is liked comes nearer, what is
nearer to what is disliked goes away. It is Rocchio's idea, with the weight 1 for the bad as for the
good, on the logarithms of distances instead of on vectors, which not every descriptor has.
``docs/search-by-several.md`` has figures.

References
----------
J. J. Rocchio, "Relevance feedback in information retrieval", in G. Salton (ed.), "The SMART
Retrieval System", 1971.

G. Giacinto, F. Roli, "Instance-based relevance feedback for image retrieval", NIPS 2004: from the
nearest of what is liked and of what is not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbir.search.candidates import Distances

_EXPONENT = -4.0
"""Between the harmonic mean (−1) and the minimum (−∞)."""

_FARTHEST = 100.0
"""How many times as far an image goes away at most: what is disliked is at 0 from itself."""


def soft_minimum(distances: NDArray[np.float64]) -> Distances:
    """Return the distance to several images together.

    Parameters
    ----------
    distances : ndarray of float64, shape (images, n)
        Of each row to each image, 0 or more.

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> soft_minimum(np.array([[0.5, 0.1, 0.0], [0.5, 0.9, 0.7]])).round(3)
    array([0.5  , 0.119, 0.   ])
    """
    least = distances.min(axis=0)
    is_plain = (least > 0) & np.isfinite(least)
    # Of NaN and infinity nothing can be said but what they are; at 0 the quotient has no value.
    found = least.copy()
    with np.errstate(over="ignore"):
        quotients = distances[:, is_plain] / least[is_plain]
        found[is_plain] *= np.mean(quotients**_EXPONENT, axis=0) ** (1 / _EXPONENT)
    return found


def fed_back(wanted: Distances, unwanted: Distances) -> Distances:
    """Return the distance to what is wanted, made longer near what is not.

    Parameters
    ----------
    wanted, unwanted : ndarray of float64, shape (n,)
        The distance of each row to what is asked for and liked, and to what is disliked; 0 or more.

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> fed_back(np.array([0.4, 0.4, 0.4, 0.4]), np.array([0.8, 0.4, 0.2, 0.0])).tolist()
    [0.2, 0.4, 0.8, 40.0]
    """
    nearest = np.maximum(unwanted, wanted / _FARTHEST)
    has_ratio = (nearest > 0) & np.isfinite(nearest)
    ratios = np.divide(wanted, nearest, out=np.ones_like(wanted), where=has_ratio)
    with np.errstate(over="ignore"):
        return wanted * ratios
