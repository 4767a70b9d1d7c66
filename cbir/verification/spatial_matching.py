"""Whether two images show the same thing, maybe from another side: by local features alone.

:func:`cbir.verification.verify` asks for a copy and compares pixels; here, a thing that was
photographed again is enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import check_type
from cbir.descriptors.local_features.base import LocalFeatures
from cbir.verification.descriptor_matching import as_left, as_right, comparable, match_prepared
from cbir.verification.homography import is_line, is_plausible, mapped
from cbir.verification.single_match import Keypoints, Tolerances, agreements
from cbir.verification.transform_fitting import (
    Points,
    Projective,
    fit_affine,
    fit_homography,
    fit_similarity,
)

RATIO = 0.95
"""A match's distance is below this share of that of the second best. The geometry leaves out the
wrong ones, and the score counts unclear ones less."""

MOST_MATCHES = 400
"""Matches that are looked at, the clearest ones."""

HYPOTHESES = 150
"""Matches that are tried as hypotheses, the clearest first."""

TRIED = 4
"""Hypotheses that are refined: those that most matches agree with."""

PLACE, TURN, ZOOM = 0.03, 0.6, 0.7
"""By how much a match may miss what a single other one predicts: in longest sides of the image,
radians, and the logarithm of the scale. The size and direction of one keypoint tell a rotation and
a scale only roughly, and things have depth."""

PRECISION = 0.015
"""By how much a match may miss its place in the end, in longest sides of the image."""

_ROUNDS = (2.0, 1.5, 1.2, 1.0)
"""The tolerance of each round of fitting, in units of `PRECISION`."""

FEWEST = 4
"""Matches that a transform rests on: three fix an affine one."""

_FEWEST_HOMOGRAPHY = 10
"""The same for a homography, which four fix."""

_GAIN = 1.1
"""How many times as many matches a homography must explain to be worth its two more numbers."""

_SAME_PLACE = 0.01
"""Keypoints that are no farther apart, in longest sides of the image, are one place."""

_LINE = 0.01
"""The same for the deviation of places across a line."""

CLEAR = 0.8
"""Lowe's ratio: up to this, a match counts in full."""

SAME_THING = 5.5
"""Score from which two images are said to show the same thing: of the images that look most like
each other in a half of INRIA Holidays, 99 % of those that reach it are of one scene. Chosen with
``benchmarks/verification.py``, which also looks at other folders."""


@dataclass(frozen=True, slots=True, eq=False)
class SpatialMatch:
    """What two images have in common, as far as their local features tell.

    Coordinates are pixels of the two working images, counted from the centers of pixels.

    Attributes
    ----------
    pairs : ndarray of intp, shape (n, 2)
        The inliers: places of features in the query and in the candidate, the clearest first.
    matches : int
        Pairs of features that look alike, inliers or not.
    transform : ndarray of float64, shape (3, 3)
        Leads from the query to the candidate; its last row is (0, 0, 1) if it is affine.
    query_region, candidate_region : ndarray of float64, shape (4, 2)
        Corners, clockwise, of the box around the inliers of the query, and where they are in the
        candidate.
    score : float
        How many clear matches at different places agree; 0 and more.
    """

    pairs: NDArray[np.intp]
    matches: int
    transform: Projective
    query_region: Points
    candidate_region: Points
    score: float

    @property
    def inliers(self) -> int:
        """How many matches the transform explains."""
        return len(self.pairs)

    @property
    def is_same(self) -> bool:
        """Whether the images are said to show the same thing."""
        return self.score >= SAME_THING


class SpatialVerifier:
    """Compares one query with many candidates.

    1. Descriptors are matched: each other's nearest, and nearer than the second nearest.
    2. Every clear match predicts, by its place, size and direction, a similarity.
    3. The few that most matches agree with are fitted by least squares to these, as affine
       transforms, round by round on more of the matches and with less tolerance.
    4. A homography takes the place of the best if it explains clearly more.
    5. A transform that mirrors, flattens or zooms hugely is refused.

    Nothing is drawn at random. Any two images give the same on every machine, up to rounding.

    Parameters
    ----------
    query : LocalFeatures
    is_binary : bool
        Whether descriptors are packed bits, as :attr:`LocalExtractor.is_binary` says.

    References
    ----------
    J. Philbin et al., "Object retrieval with large vocabularies and fast spatial matching", CVPR
    2007; O. Chum, J. Matas, J. Kittler, "Locally optimized RANSAC", DAGM 2003, for steps 3 and 4.

    Examples
    --------
    >>> from cbir.descriptors.local_features.sift import SiftFeatures
    >>> rng = np.random.default_rng(0)
    >>> points = rng.uniform(10, 90, (20, 4)).astype(np.float32)
    >>> numbers = rng.integers(0, 255, (20, 128), dtype=np.uint8)
    >>> moved = points + np.float32([5, 7, 0, 0])
    >>> first, second = (SiftFeatures(one, numbers, 100, 100) for one in (points, moved))
    >>> found = SpatialVerifier(first).match(second)
    >>> found.inliers, found.is_same, found.transform.round(3)[:2, 2].tolist()
    (20, True, [5.0, 7.0])
    """

    def __init__(self, query: LocalFeatures, is_binary: bool = False) -> None:
        check_type(query, LocalFeatures, "local features")
        self.query = query
        self._is_binary = is_binary
        self._left = as_left(comparable(query, is_binary))
        self._size = float(max(query.width, query.height))

    def match(self, candidate: LocalFeatures) -> SpatialMatch | None:
        """Return what a candidate has in common with the query; None if no transform tells."""
        check_type(candidate, LocalFeatures, "local features")
        found = match_prepared(self._left, as_right(comparable(candidate, self._is_binary)), RATIO)
        pairs, ratios = found.pairs[:MOST_MATCHES], found.ratios[:MOST_MATCHES]
        if len(pairs) < FEWEST:
            return None
        matched = _Matched(
            self.query.points[pairs[:, 0]].astype(np.float64),
            candidate.points[pairs[:, 1]].astype(np.float64),
            self._size,
            float(max(candidate.width, candidate.height)),
            np.minimum(1, (1 - ratios.astype(np.float64) ** 2) / (1 - CLEAR**2)),
        )
        best = matched.best()
        if best is None:
            return None
        transform, inliers = best
        region = matched.region(inliers, self.query.width, self.query.height)
        return SpatialMatch(
            pairs[inliers],
            len(found),
            transform,
            region,
            mapped(transform, region),
            matched.score(inliers),
        )


@dataclass(frozen=True, slots=True)
class _Matched:
    """Matched keypoints of two images, with the longest sides of these."""

    a: Keypoints
    b: Keypoints
    size_a: float
    size_b: float
    clarity: NDArray[np.float64]

    def best(self) -> tuple[Projective, NDArray[np.intp]] | None:
        """Return the transform that explains most, and which matches it explains."""
        allowed = Tolerances(PLACE * self.size_a, TURN, ZOOM, PLACE * self.size_b)
        agreeing = agreements(self.a, self.b, allowed, HYPOTHESES)
        counts = agreeing.sum(axis=1)
        best, most = None, 0.0
        for hypothesis in np.argsort(-counts, kind="stable")[:TRIED]:
            if counts[hypothesis] < FEWEST:
                break
            fitted = self._refined(np.flatnonzero(agreeing[hypothesis]), int(hypothesis))
            if fitted is not None and self.score(fitted[1]) > most:
                best, most = fitted, self.score(fitted[1])
        return best

    def _refined(
        self, inliers: NDArray[np.intp], hypothesis: int
    ) -> tuple[Projective, NDArray[np.intp]] | None:
        """Fit a transform to matches that agree, and then to those that agree with it."""
        a, b = self.a[:, :2], self.b[:, :2]
        eligible = self._like(hypothesis)
        transform = np.eye(3)
        for slack in _ROUNDS:
            if len(inliers) < FEWEST:
                return None
            on_line = is_line(a[inliers], _LINE * self.size_a)
            affine = (fit_similarity if on_line else fit_affine)(a[inliers], b[inliers])
            if affine is None:
                return None
            transform = np.vstack([affine, [0, 0, 1]])
            if not is_plausible(transform, _corners(a[inliers])):
                return None
            inliers = self._explained(transform, eligible, slack)
        if len(inliers) < FEWEST:
            return None
        return self._bent(transform, inliers, eligible)

    def _bent(
        self, transform: Projective, inliers: NDArray[np.intp], eligible: NDArray[np.bool_]
    ) -> tuple[Projective, NDArray[np.intp]]:
        """Return the homography that explains more than an affine transform, if there is one."""
        a, b = self.a[:, :2], self.b[:, :2]
        more, explained = transform, inliers
        for slack in _ROUNDS[1:]:
            if len(explained) < _FEWEST_HOMOGRAPHY:
                return transform, inliers
            found = fit_homography(a[explained], b[explained])
            if found is None or not is_plausible(found, _corners(a[explained])):
                return transform, inliers
            more, explained = found, self._explained(found, eligible, slack)
        if len(explained) < max(_GAIN * len(inliers), _FEWEST_HOMOGRAPHY):
            return transform, inliers
        if not is_plausible(more, _corners(a[explained])):
            return transform, inliers
        return more, explained

    def _like(self, hypothesis: int) -> NDArray[np.bool_]:
        """Say which matches turn and zoom about as the hypothesis does."""
        zoom = np.log(self.b[:, 2] / self.a[:, 2])
        turn = self.b[:, 3] - self.a[:, 3]
        turned = np.abs((turn - turn[hypothesis] + np.pi) % (2 * np.pi) - np.pi)
        return np.asarray((turned < TURN + 0.2) & (np.abs(zoom - zoom[hypothesis]) < ZOOM + 0.3))

    def _explained(
        self, transform: Projective, eligible: NDArray[np.bool_], slack: float
    ) -> NDArray[np.intp]:
        miss = np.hypot(*(mapped(transform, self.a[:, :2]) - self.b[:, :2]).T)
        scale = np.sqrt(abs(np.linalg.det(transform[:2, :2])))
        limit = slack * PRECISION * max(self.size_b, scale * self.size_a)
        return np.flatnonzero(eligible & (miss < limit))

    def score(self, inliers: NDArray[np.intp]) -> float:
        """Sum how clear the matches are, of those at different places in both images."""
        taken_a, taken_b = set[tuple[int, int]](), set[tuple[int, int]]()
        total = 0.0
        steps_a, steps_b = _SAME_PLACE * self.size_a, _SAME_PLACE * self.size_b
        cells_a = (self.a[inliers, :2] // steps_a).astype(int).tolist()
        cells_b = (self.b[inliers, :2] // steps_b).astype(int).tolist()
        for match, here, there in zip(
            inliers, map(tuple, cells_a), map(tuple, cells_b), strict=True
        ):
            if here not in taken_a and there not in taken_b:
                total += float(self.clarity[match])
                taken_a.add(here)
                taken_b.add(there)
        return total

    def region(self, inliers: NDArray[np.intp], width: int, height: int) -> Points:
        """Return the corners of the box around what the inliers of the query show."""
        radius = self.a[inliers, 2:3] / 2
        low = np.maximum((self.a[inliers, :2] - radius).min(axis=0), -0.5)
        high = np.minimum((self.a[inliers, :2] + radius).max(axis=0), (width - 0.5, height - 0.5))
        return _box(*low, *high)


def _corners(points: Points) -> Points:
    return _box(*points.min(axis=0), *points.max(axis=0))


def _box(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
