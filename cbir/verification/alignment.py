"""How one image lies in another, from their local features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.local_features.sift import SiftFeatures
from cbir.verification.geometry import Transform, scale_of

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


def match_descriptors(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Pair the descriptors that are each other's nearest, and clearly so.

    Parameters
    ----------
    first, second : ndarray of uint8, shapes (m, d) and (n, d)

    Returns
    -------
    ndarray of intp, shape (k, 2)
        Places in `first` and `second`, the clearest match first.

    Examples
    --------
    >>> ones = np.eye(3, dtype=np.uint8) * 9
    >>> match_descriptors(ones, ones[::-1]).tolist()
    [[0, 2], [1, 1], [2, 0]]
    """
    if len(first) < 2 or len(second) < 2:
        return np.empty((0, 2), np.intp)
    a, b = first.astype(np.float32), second.astype(np.float32)
    # Whole numbers below 2^24: single precision is exact.
    squares = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b) - 2 * (a @ b.T)
    rows = np.arange(len(a))
    nearest = squares.argmin(axis=1)
    mutual = squares.argmin(axis=0)[nearest] == rows
    best = squares[rows, nearest]
    squares[rows, nearest] = np.inf
    ratio = best / np.maximum(squares.min(axis=1), 1)
    kept = np.flatnonzero(mutual & (ratio < RATIO**2))
    kept = kept[np.argsort(ratio[kept], kind="stable")]
    return np.stack([kept, nearest[kept]], axis=1)


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
    pairs = match_descriptors(first.descriptors, second.descriptors)
    if len(pairs) < FEWEST_INLIERS:
        return None
    a = first.points[pairs[:, 0]].astype(np.float64)
    b = second.points[pairs[:, 1]].astype(np.float64)
    fitted = _fitted(a, b, _largest_agreement(a, b))
    if fitted is None:
        return None
    transform, inliers = fitted
    cells = (a[inliers, :2] * 8 / (first.width, first.height)).astype(np.intp)
    return Alignment(transform, len(pairs), len(inliers), len(np.unique(cells @ (8, 1))))


def _largest_agreement(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the matches that agree with the one that most agree with."""
    here, there = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    # A similarity as a complex factor and a shift; of each match, with its logarithm's parts.
    zoom, turn = np.log(b[:, 2] / a[:, 2]), b[:, 3] - a[:, 3]
    factor = np.exp(zoom + 1j * turn)
    some = slice(_HYPOTHESES)
    shift = there[some] - factor[some] * here[some]
    miss = np.abs(factor[some, None] * here + shift[:, None] - there)
    allowed = TOLERANCE * np.maximum(1, np.exp(zoom[some]))
    turned = np.abs((turn[some, None] - turn + np.pi) % (2 * np.pi) - np.pi)
    zoomed = np.abs(zoom[some, None] - zoom)
    agree = (miss < allowed[:, None]) & (turned < LARGEST_TURN) & (zoomed < LARGEST_ZOOM)
    best = agree[int(agree.sum(axis=1).argmax())]
    return np.flatnonzero(best)


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
        fit = _similarity if round_ == 0 else _affine
        transform = fit(a[inliers, :2], b[inliers, :2])
        if transform is None:
            return None
        predicted = a[agreeing, :2] @ transform[:, :2].T + transform[:, 2]
        miss = np.hypot(*(predicted - b[agreeing, :2]).T)
        tolerance = max(tolerance / 1.6, PRECISION)
        inliers = agreeing[miss < tolerance * max(1.0, scale_of(transform))]
    return None if transform is None or len(inliers) < FEWEST_INLIERS else (transform, inliers)


def _similarity(a: NDArray[np.float64], b: NDArray[np.float64]) -> Transform | None:
    here, there = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    centered = here - here.mean()
    spread = float((np.abs(centered) ** 2).sum())
    if spread < 1:
        return None
    factor = complex((centered.conj() * (there - there.mean())).sum() / spread)
    shift = complex(there.mean() - factor * here.mean())
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )


def _affine(a: NDArray[np.float64], b: NDArray[np.float64]) -> Transform | None:
    design = np.column_stack([a, np.ones(len(a))])
    solution, _, rank, _ = np.linalg.lstsq(design, b, rcond=None)
    if rank < 3 or abs(np.linalg.det(solution[:2])) < 1e-4:
        return _similarity(a, b)
    return np.ascontiguousarray(solution.T)
