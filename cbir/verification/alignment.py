"""How one image lies in another, from their local features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.local_features.sift import SiftFeatures
from cbir.verification.descriptor_matching import match_descriptors
from cbir.verification.geometry import Transform, scale_of
from cbir.verification.single_match import Tolerances, agreements
from cbir.verification.transform_fitting import fit_affine, fit_similarity

RATIO = 0.85
"""A match's distance is below this share of that of the second best. Lowe (2004) has 0.8 for
matches that nothing checks later; the geometry checks these."""

TOLERANCE = 12.0
"""Pixels by which a match may miss the place that a single other match predicts: one keypoint's
direction and size tell a rotation and a scale only roughly."""

PRECISION = 3.0
"""Pixels by which a match may miss its place in the end; the pixels themselves are compared
afterwards."""

LARGEST_TURN = 0.6
"""Radians by which the directions of two right matches may disagree."""

LARGEST_ZOOM = 0.7
"""The same for the logarithm of their scales: a factor of 2."""

FEWEST_INLIERS = 6
"""An affine transform has six numbers, which three matches fix; as many again confirm them."""

_HYPOTHESES = 128
"""Matches that are tried as hypotheses, the clearest first."""

_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the first image lies in the second.

    Attributes
    ----------
    transform : Transform
        In pixels of the two working images.
    matches, inliers : int
        Pairs of features that look alike; those of them that the transform explains.
    cells : int
        Cells of an 8 × 8 grid over the first image that hold an inlier.
    """

    transform: Transform
    matches: int
    inliers: int
    cells: int


def align(first: SiftFeatures, second: SiftFeatures) -> Alignment | None:
    """Find the transform that explains most matches, or None.

    Each of the clearest matches predicts, by its place, size and direction, a similarity: so all
    hypotheses can be tried, and no random ones are drawn. The best is then fitted to its inliers by
    least squares, as a similarity first and as an affine transform after that.

    References
    ----------
    M. Fischler, R. Bolles, "Random sample consensus", CACM 24(6), 1981; J. Philbin et al., "Object
    retrieval with large vocabularies and fast spatial matching", CVPR 2007, for hypotheses from
    single matches.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> points = rng.uniform(10, 90, (20, 4)).astype(np.float32)
    >>> numbers = rng.integers(0, 255, (20, 128), dtype=np.uint8)
    >>> moved = points + np.float32([5, 7, 0, 0])
    >>> first, second = (SiftFeatures(one, numbers, 100, 100) for one in (points, moved))
    >>> found = align(first, second)
    >>> found.inliers, found.transform.round(3)[:, 2].tolist()
    (20, [5.0, 7.0])
    """
    pairs = match_descriptors(first.descriptors, second.descriptors, RATIO)
    if len(pairs) < FEWEST_INLIERS:
        return None
    a = first.points[pairs[:, 0]].astype(np.float64)
    b = second.points[pairs[:, 1]].astype(np.float64)
    agreeing = agreements(a, b, Tolerances(TOLERANCE, LARGEST_TURN, LARGEST_ZOOM), _HYPOTHESES)
    best = agreeing[int(agreeing.sum(axis=1).argmax())]
    fitted = _fitted(a, b, np.flatnonzero(best))
    if fitted is None:
        return None
    transform, inliers = fitted
    cells = (a[inliers, :2] * 8 / (first.width, first.height)).astype(np.intp)
    return Alignment(transform, len(pairs), len(inliers), len(np.unique(cells @ (8, 1))))


def _fitted(
    a: NDArray[np.float64], b: NDArray[np.float64], agreeing: NDArray[np.intp]
) -> tuple[Transform, NDArray[np.intp]] | None:
    """Fit a transform to the matches that agree, leaving out more of them round by round.

    Return it with the matches that it explains: those that it misses by no more than PRECISION,
    which is the tolerance of the last rounds.
    """
    inliers, tolerance = agreeing, TOLERANCE
    transform = None
    for round_ in range(_ROUNDS):
        if len(inliers) < FEWEST_INLIERS:
            return None
        fit = fit_similarity if round_ == 0 else fit_affine
        transform = fit(a[inliers, :2], b[inliers, :2])
        if transform is None:
            return None
        predicted = a[agreeing, :2] @ transform[:, :2].T + transform[:, 2]
        miss = np.hypot(*(predicted - b[agreeing, :2]).T)
        tolerance = max(tolerance / 1.6, PRECISION)
        inliers = agreeing[miss < tolerance * max(1.0, scale_of(transform))]
    return None if transform is None or len(inliers) < FEWEST_INLIERS else (transform, inliers)
