"""What a single match of two keypoints predicts of all others: a similarity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Keypoints = NDArray[np.float64]
"""Shape (n, 4): x, y, diameter and direction of keypoints, row by row those of matches."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far a match may miss what another one predicts.

    Attributes
    ----------
    place : float
        Pixels, of the first image or of the second, whichever are larger in the second.
    turn : float
        Radians by which the directions may disagree.
    zoom : float
        The same for the logarithm of the scales.
    second_place : float or None
        Pixels of the second image, where these are not of the same size; `place` if None.
    """

    place: float
    turn: float
    zoom: float
    second_place: float | None = None


def agreements(a: Keypoints, b: Keypoints, allowed: Tolerances, count: int) -> NDArray[np.bool_]:
    """Say which matches agree with the similarity that each of the first ones predicts.

    A match's place, size and direction fix a rotation, a scale and a shift. So all hypotheses
    can be tried, and no random ones are drawn.

    Parameters
    ----------
    a, b : ndarray of float64, shape (n, 4)
        The matched keypoints of both images.
    allowed : Tolerances
    count : int
        Matches that are tried as hypotheses.

    Returns
    -------
    ndarray of bool, shape (min(count, n), n)

    References
    ----------
    J. Philbin et al., "Object retrieval with large vocabularies and fast spatial matching", CVPR
    2007.

    Examples
    --------
    >>> a = np.array([[0.0, 0, 4, 0], [9, 0, 4, 1], [0, 9, 4, 2]])
    >>> b = a + [5, 5, 0, 0]
    >>> b[2, 3] = 4
    >>> agreements(a, b, Tolerances(2, 0.5, 0.5), 2).tolist()
    [[True, True, False], [True, True, False]]
    """
    zoom, turn = np.log(b[:, 2] / a[:, 2]), b[:, 3] - a[:, 3]
    # Squares instead of roots and no complex numbers: this is most of the work for a hypothesis.
    some = slice(count)
    scale = np.exp(zoom[some])[:, None]
    cosine, sine = scale * np.cos(turn[some, None]), scale * np.sin(turn[some, None])
    x, y = a[:, 0] - a[some, :1], a[:, 1] - a[some, 1:2]
    across = cosine * x - sine * y - (b[:, 0] - b[some, :1])
    down = sine * x + cosine * y - (b[:, 1] - b[some, 1:2])
    second = allowed.place if allowed.second_place is None else allowed.second_place
    limit = np.maximum(second, allowed.place * scale)
    turned = np.abs((turn[some, None] - turn + np.pi) % (2 * np.pi) - np.pi)
    zoomed = np.abs(zoom[some, None] - zoom)
    near = across * across + down * down < limit * limit
    return np.asarray(near & (turned < allowed.turn) & (zoomed < allowed.zoom), np.bool_)
