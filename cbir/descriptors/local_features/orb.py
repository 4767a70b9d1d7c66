"""ORB features: corners with binary descriptors of their surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures, check_count
from cbir.descriptors.local_features.keypoint_selection import place_within
from cbir.images.pixels import WORKING_SIZES, Pixels

ORB_BYTES = 32
"""An ORB descriptor has 256 bits."""

_SCALE = 1.2
_LEVELS = 8
_BORDER = 19
"""Pixels along the edges that hold no keypoint."""

_GRID = 4
"""Cells along the longest side over which keypoints are spread."""

_CANDIDATES = 2
"""Keypoints that are detected for each one that is kept."""


@dataclass(frozen=True)
class OrbExtractor(LocalExtractor[LocalFeatures]):
    """Extracts ORB features at keypoints that are spread over an image.

    ORB by itself takes the strongest corners, which crowd where the texture is. Here twice as
    many are detected, and within each level of the scale pyramid the cells of a grid take turns,
    the strongest corner of each first. The levels keep the shares that ORB gives them.

    Parameters
    ----------
    count : int
        Features an image, at most.
    upright : bool
        Do not turn the descriptors with the local orientation: better for images that are
        taken upright, useless for rotated ones.

    References
    ----------
    E. Rublee, V. Rabaud, K. Konolige, G. Bradski, "ORB: an efficient alternative to SIFT or
    SURF", ICCV 2011. The spreading is not in the paper.

    Examples
    --------
    >>> OrbExtractor(100).extract(np.zeros((64, 64, 3), np.uint8)).descriptors.shape
    (0, 32)
    """

    name: ClassVar[str] = "orb"
    version: ClassVar[int] = 2
    working_size: ClassVar[int] = WORKING_SIZES[2]
    descriptor_size: ClassVar[int] = ORB_BYTES
    is_binary: ClassVar[bool] = True

    count: int = 1000
    upright: bool = False

    def __post_init__(self) -> None:
        check_count(self.name, self.count)

    def extract(self, image: Pixels) -> LocalFeatures:
        """Extract ORB features; see :meth:`LocalExtractor.extract`."""
        height, width = image.shape[:2]
        if min(height, width) <= 2 * _BORDER:  # nothing but border, and OpenCV trips over it
            return self.nothing(width, height)
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        detector = _detector(_CANDIDATES * self.count)
        keypoints = _spread(detector.detect(gray, None), self.count, max(gray.shape) / _GRID)
        if self.upright:
            for keypoint in keypoints:
                keypoint.angle = 0
        described, descriptors = detector.compute(gray, keypoints) if keypoints else ([], None)
        if descriptors is None:
            return self.nothing(width, height)
        points = np.array([(*one.pt, one.size, np.deg2rad(one.angle)) for one in described])
        return self.of(points.astype(np.float32), np.asarray(descriptors, np.uint8), width, height)


def _detector(count: int) -> cv2.ORB:
    # A lower corner threshold and a narrower border than OpenCV's: more keypoints in smooth and
    # small images. benchmarks/choices.py measures both.
    return cv2.ORB.create(
        nfeatures=count, scaleFactor=_SCALE, nlevels=_LEVELS, edgeThreshold=_BORDER, fastThreshold=5
    )


def _spread(keypoints: Sequence[cv2.KeyPoint], count: int, cell: float) -> list[cv2.KeyPoint]:
    """Keep `count` keypoints, evenly over cells within each pyramid level."""
    if len(keypoints) <= count:
        return list(keypoints)
    position = np.asarray(cv2.KeyPoint.convert(keypoints))
    strength = np.array([keypoint.response for keypoint in keypoints])
    level = np.array([keypoint.octave for keypoint in keypoints])
    column, row = (position // cell).astype(np.intp).T
    by_strength = np.lexsort((position[:, 1], position[:, 0], -strength))
    turn = place_within((level * _GRID + row) * _GRID + column, by_strength)
    by_turn = by_strength[np.argsort(turn[by_strength], kind="stable")]
    place = place_within(level, by_turn)
    # ORB gives a level 1/1.2 of the keypoints of the one below: so the n-th place of a level
    # stands where n · 1.2^level does. What small levels cannot fill goes to the others.
    merit = (place + 0.5) * _SCALE**level
    kept = np.lexsort((position[:, 1], position[:, 0], -strength, merit))[:count]
    return [keypoints[i] for i in kept]
