"""What spatial verification tells of a result, in pixels of the upright images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cbir.descriptors.local_features.base import LocalFeatures
from cbir.images.region import PixelRegion
from cbir.verification.homography import mapped
from cbir.verification.spatial_matching import SpatialMatch
from cbir.verification.transform_fitting import Points, Projective

Quadrilateral = tuple[tuple[float, float], ...]
"""Four corners, clockwise from what is the upper left one in the query."""


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
    """

    inliers: int
    score: float
    is_same: bool
    transform: tuple[tuple[float, ...], ...]
    query_box: PixelRegion
    box: PixelRegion
    quadrilateral: Quadrilateral
    lines: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(
        cls,
        found: SpatialMatch,
        query: LocalFeatures,
        candidate: LocalFeatures,
        query_region: PixelRegion,
        candidate_size: tuple[int, int],
    ) -> VerifiedMatch:
        """Tell of a spatial match in pixels of the upright images.

        Parameters
        ----------
        found : SpatialMatch
        query, candidate : LocalFeatures
            What was matched.
        query_region : PixelRegion
            The part of the upright query that its features are of; all of it, unless it was
            searched by a region.
        candidate_size : tuple of two int
            Width and height of the upright candidate.
        """
        forth = _enlarging(query, query_region)
        back = _enlarging(candidate, PixelRegion(0, 0, *candidate_size))
        transform = back @ found.transform @ np.linalg.inv(forth)
        transform /= transform[2, 2]
        quadrilateral = mapped(back, found.candidate_region)
        here = mapped(forth, query.points[found.pairs[:, 0], :2].astype(np.float64))
        there = mapped(back, candidate.points[found.pairs[:, 1], :2].astype(np.float64))
        lines = np.hstack([here, there])
        return cls(
            found.inliers,
            found.score,
            found.is_same,
            tuple(map(tuple, transform.tolist())),
            _box(mapped(forth, found.query_region), query_region),
            _box(quadrilateral, PixelRegion(0, 0, *candidate_size)),
            tuple((float(x), float(y)) for x, y in quadrilateral),
            tuple(map(tuple, lines.tolist())),
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


def _enlarging(features: LocalFeatures, region: PixelRegion) -> Projective:
    """Return what leads from the pixels of a working image to those of the upright one.

    Features are counted from the centers of pixels, and what is told from their corners.
    """
    across, down = region.width / features.width, region.height / features.height
    return np.array([[across, 0, across / 2 + region.x], [0, down, down / 2 + region.y], [0, 0, 1]])


def _box(corners: Points, within: PixelRegion) -> PixelRegion:
    """Return the whole pixels around some corners, of those of an image."""
    left, right = _span(corners[:, 0], within.x, within.width)
    top, bottom = _span(corners[:, 1], within.y, within.height)
    return PixelRegion(left, top, right - left, bottom - top)


def _span(values: Sequence[float] | Any, start: int, length: int) -> tuple[int, int]:
    """Return from where to where some values reach, one pixel at least."""
    low = min(max(math.floor(min(values)), start), start + length - 1)
    return low, max(min(math.ceil(max(values)), start + length), low + 1)
