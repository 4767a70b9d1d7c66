"""What spatial verification tells of a result, in pixels of the upright images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.local_features.base import LocalFeatures
from cbir.images.oriented_image import AS_IT_IS, Orientation
from cbir.images.region import PixelRegion
from cbir.search.found_match import FoundMatch
from cbir.verification.homography import mapped
from cbir.verification.transform_fitting import Points, Projective

Quadrilateral = tuple[tuple[float, float], ...]
"""Four corners, clockwise from what is the upper left one in the query."""

_CORNERS = ((1, 1), (-1, 1), (-1, -1), (1, -1))
"""For each corner of a box, clockwise from the upper left: of what it has the least."""


@dataclass(frozen=True, slots=True)
class VerifiedMatch:
    """What the query and a result have in common.

    Coordinates are pixels of the upright images, as the files have them: the upper left pixel
    covers 0 to 1.

    Attributes
    ----------
    inliers : int
        Features that match, at places that one transform explains.
    score : float
        How many clear ones at different places: 0 and more.
    is_same : bool
        Whether that is enough to say that both show the same thing.
    transform : tuple of three tuples of three float
        From the query to the result; a homography, whose last row is (0, 0, 1) if it is affine.
    query_box, box : PixelRegion
        What was found, in the query and in the result; within these images.
    quadrilateral : tuple of four (float, float)
        The corners of `query_box` as they lie in the result; they may lie beyond it.
    lines : tuple of (float, float, float, float)
        The inliers, the clearest first: x and y in the query, x and y in the result.
    example : int
        Which of the images that results are to be like the query is, from 0:
        :attr:`~cbir.search.results.SearchResult.examples` has them.
    """

    inliers: int
    score: float
    is_same: bool
    transform: tuple[tuple[float, ...], ...]
    query_box: PixelRegion
    box: PixelRegion
    quadrilateral: Quadrilateral
    lines: tuple[tuple[float, ...], ...] = field(default=(), repr=False)
    example: int = 0

    @classmethod
    def of(
        cls, found: FoundMatch, query_region: PixelRegion, candidate_size: tuple[int, int]
    ) -> VerifiedMatch:
        """Tell of a match in pixels of the upright images.

        Parameters
        ----------
        found : FoundMatch
        query_region : PixelRegion
            The part of the upright query that its features are of; all of it, unless it was
            searched by a region.
        candidate_size : tuple of two int
            Width and height of the upright candidate.
        """
        match, query, candidate = found.match, found.query, found.candidate
        forth = _enlarging(query, query_region, found.orientation)
        back = _enlarging(candidate, PixelRegion(0, 0, *candidate_size))
        transform = back @ match.transform @ np.linalg.inv(forth)
        transform /= transform[2, 2]
        query_corners = mapped(forth, match.query_region)
        quadrilateral = mapped(back, match.candidate_region)[_clockwise(query_corners)]
        here = mapped(forth, query.points[match.pairs[:, 0], :2].astype(np.float64))
        there = mapped(back, candidate.points[match.pairs[:, 1], :2].astype(np.float64))
        lines = np.hstack([here, there])
        return cls(
            match.inliers,
            match.score,
            match.is_same,
            tuple(map(tuple, transform.tolist())),
            _box(query_corners, query_region),
            _box(quadrilateral, PixelRegion(0, 0, *candidate_size)),
            tuple((float(x), float(y)) for x, y in quadrilateral),
            tuple(map(tuple, lines.tolist())),
            found.example,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return {
            "inliers": self.inliers,
            "score": self.score,
            "same": self.is_same,
            "transform": [list(row) for row in self.transform],
            "box": list(self.box),
            "quadrilateral": [list(corner) for corner in self.quadrilateral],
            "query_box": list(self.query_box),
        }


def _enlarging(
    features: LocalFeatures, region: PixelRegion, orientation: Orientation = AS_IT_IS
) -> Projective:
    """Return what leads from the pixels of a working image to those of the upright one.

    Features are counted from the centers of pixels, and what is told from their corners.
    """
    size = features.width, features.height
    width, height = size if orientation.turned % 180 == 0 else size[::-1]
    across, down = region.width / width, region.height / height
    centered = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    enlarging = np.array([[across, 0, region.x], [0, down, region.y], [0, 0, 1]])
    return enlarging @ np.linalg.inv(orientation.matrix(width, height)) @ centered


def _clockwise(corners: Points) -> NDArray[np.intp]:
    """Return the order of the corners of an upright box that is clockwise from the upper left."""
    across, down = (corners - corners.mean(axis=0)).T
    return np.array([np.argmin(a * across + b * down) for a, b in _CORNERS])


def _box(corners: Points, within: PixelRegion) -> PixelRegion:
    """Return the whole pixels around some corners, of those of an image."""
    left, right = _span(corners[:, 0], within.x, within.width)
    top, bottom = _span(corners[:, 1], within.y, within.height)
    return PixelRegion(left, top, right - left, bottom - top)


def _span(values: Sequence[float] | Any, start: int, length: int) -> tuple[int, int]:
    """Return from where to where some values reach, one pixel at least."""
    low = min(max(math.floor(min(values)), start), start + length - 1)
    return low, max(min(math.ceil(max(values)), start + length), low + 1)
