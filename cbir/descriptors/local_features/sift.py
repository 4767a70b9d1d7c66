"""SIFT features: keypoints with RootSIFT descriptors, for matching images piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from cbir.core.errors import UsageError
from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures, check_count
from cbir.descriptors.local_features.keypoint_selection import place_within
from cbir.images.pixels import WORKING_SIZES, Pixels

DESCRIPTOR_SIZE = 128
"""4 rows × 4 columns of cells × 8 directions."""

_CELLS, _DIRECTIONS = 4, 8

_SCALE = 512
"""Descriptors are stored as ``round(512 * sqrt(share))``; a share is rarely above a quarter."""

_CONTRAST = 0.02
"""Half of Lowe's: smooth images, such as catalog images on white, have too few otherwise."""

_GRID = 6
"""Cells along the longest side over which keypoints are spread."""

_CANDIDATES = 2
"""Keypoints that are detected for each one that is kept."""

_LARGEST_STEP = 32

_PLACES = np.arange(DESCRIPTOR_SIZE).reshape(_CELLS, _CELLS, _DIRECTIONS)
_MIRRORED = _PLACES[::-1, :, -np.arange(_DIRECTIONS) % _DIRECTIONS].ravel()
"""Where each number of a descriptor stands in that of the mirrored image: the rows lie across
the keypoint's direction, so that they change sides, and directions turn the other way."""


@dataclass(frozen=True, slots=True)
class SiftFeatures(LocalFeatures):
    """SIFT features of one image: the descriptors are RootSIFT, times 512."""

    def mirrored(self) -> SiftFeatures:
        """Return the features that the image has when it is mirrored left to right.

        Nothing is extracted again: a mirrored descriptor holds the same numbers in another order.

        Examples
        --------
        >>> points = np.array([[2, 5, 3, 0]], np.float32)
        >>> features = SiftFeatures(points, np.arange(128, dtype=np.uint8)[None], 10, 10)
        >>> twice = features.mirrored().mirrored()
        >>> float(features.mirrored().points[0, 0]), float(twice.points[0, 0])
        (7.0, 2.0)
        """
        points = self.points.copy()
        points[:, 0] = self.width - 1 - points[:, 0]
        points[:, 3] = (np.pi - points[:, 3]) % (2 * np.pi)
        return SiftFeatures(points, self.descriptors[:, _MIRRORED], self.width, self.height)


@dataclass(frozen=True)
class SiftExtractor(LocalExtractor[SiftFeatures]):
    """Extracts SIFT features, spread over an image and its scales if that is wanted.

    To spread them, twice as many keypoints are detected as are kept. Within each octave the cells
    of a grid take turns, the strongest keypoint of each first, and the octaves keep their shares:
    an image that is cropped, shrunk or pasted into another one keeps its part of the features.

    Parameters
    ----------
    count : int
        Features an image, at most.
    upright : bool
        Do not turn the descriptors with the local orientation: better for images that are taken
        upright, useless for rotated ones. The points still have their directions, by which wrong
        matches are told from right ones.
    step : int
        Of the numbers of the descriptors, which are whole multiples of it: 16 halves what a store
        keeps, 1 is for comparisons that leave nothing out.
    spread : bool
        Spread the features; without it, the strongest are kept, wherever they are, in three
        quarters of the time.

    References
    ----------
    D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004;
    R. Arandjelović, A. Zisserman, "Three things everyone should know to improve object retrieval",
    CVPR 2012, for RootSIFT. The spreading and the steps are in neither.

    Examples
    --------
    >>> len(SiftExtractor().extract(np.zeros((64, 64, 3), np.uint8)))
    0
    """

    name: ClassVar[str] = "sift"
    version: ClassVar[int] = 2
    working_size: ClassVar[int] = WORKING_SIZES[2]
    descriptor_size: ClassVar[int] = DESCRIPTOR_SIZE
    features_type: ClassVar[type[Any]] = SiftFeatures

    count: int = 500
    upright: bool = False
    step: int = 1
    spread: bool = True

    def __post_init__(self) -> None:
        check_count(self.name, self.count)
        if not 1 <= self.step <= _LARGEST_STEP:
            raise UsageError(f"{self.name}: step={self.step} must be 1 to {_LARGEST_STEP}")

    def extract(self, image: Pixels) -> SiftFeatures:
        """Extract SIFT features; see :meth:`LocalExtractor.extract`."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        height, width = gray.shape
        is_selective = self.spread or self.upright
        wanted = self.count * (_CANDIDATES if is_selective else 1)
        sift = cv2.SIFT.create(nfeatures=wanted, contrastThreshold=_CONTRAST)
        if is_selective:
            points, described = self._selected(sift, gray)
        else:
            points, described = self._strongest(sift, gray)
        if not len(points):
            return self.nothing(width, height)
        descriptors = _as_root(np.asarray(described, np.float32), self.step)
        return self.of(points.astype(np.float32), descriptors, width, height)

    def _selected(self, sift: cv2.SIFT, gray: MatLike) -> tuple[NDArray[Any], Any]:
        """Detect keypoints, then describe those of them that are kept."""
        detected = sift.detect(gray, None)
        if self.upright:
            detected = _each_once(detected)
        if not detected:
            return np.empty((0, 4)), None
        order = _by_strength(detected)
        if self.spread:
            order = _spread(detected, order, max(gray.shape) / _GRID)
        kept = [detected[i] for i in order[: self.count]]
        points = _points(kept)
        if self.upright:
            for keypoint in kept:
                keypoint.angle = 0
        described, found = sift.compute(gray, kept)
        assert len(described) == len(kept), "SIFT describes all that it is given"
        return points, found

    def _strongest(self, sift: cv2.SIFT, gray: MatLike) -> tuple[NDArray[Any], Any]:
        """Detect and describe in one call, which makes the scale space once."""
        detected, found = sift.detectAndCompute(gray, None)
        if not detected:
            return np.empty((0, 4)), None
        # OpenCV may keep more than it is asked for, where some are as strong as the last one.
        order = _by_strength(detected)[: self.count]
        return _points([detected[i] for i in order]), found[order]


def _points(keypoints: Sequence[cv2.KeyPoint]) -> NDArray[np.float64]:
    return np.array([(*one.pt, one.size, np.deg2rad(one.angle)) for one in keypoints])


def _each_once(keypoints: Sequence[cv2.KeyPoint]) -> list[cv2.KeyPoint]:
    """Return one keypoint for each place and size, of those that have several directions."""
    return list({(keypoint.pt, keypoint.size): keypoint for keypoint in keypoints}.values())


def _as_root(descriptors: NDArray[np.float32], step: int) -> NDArray[np.uint8]:
    shares = descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1)
    steps = np.rint(np.sqrt(shares) * (_SCALE / step))
    return (np.minimum(steps, 255 // step) * step).astype(np.uint8)


def _by_strength(keypoints: Sequence[cv2.KeyPoint]) -> NDArray[np.intp]:
    """Return the places of keypoints, the strongest first; where they are breaks ties."""
    position = np.array([keypoint.pt for keypoint in keypoints])
    strength = np.array([keypoint.response for keypoint in keypoints])
    angle = np.array([keypoint.angle for keypoint in keypoints])
    return np.lexsort((angle, position[:, 1], position[:, 0], -strength))


def _spread(
    keypoints: Sequence[cv2.KeyPoint], order: NDArray[np.intp], cell: float
) -> NDArray[np.intp]:
    """Return the places of keypoints, such that the first ones are spread over the image.

    Parameters
    ----------
    keypoints : sequence of cv2.KeyPoint
    order : ndarray of intp
        Their places, the strongest first.
    cell : float
        Side of the cells of the grid, in pixels.
    """
    position = np.array([keypoint.pt for keypoint in keypoints])
    # OpenCV packs the octave into the lowest byte, signed.
    octave = np.array([keypoint.octave for keypoint in keypoints]).astype(np.int8).astype(np.intp)
    octave -= octave.min()
    column, row = (position // cell).astype(np.intp).T
    turn = place_within((octave * (_GRID + 1) + row) * (_GRID + 1) + column, order)
    by_turn = order[np.argsort(turn[order], kind="stable")]
    # The n-th of an octave stands where it would in a list that holds all octaves in proportion.
    size = np.bincount(octave)
    merit = (place_within(octave, by_turn) + 0.5) / size[octave]
    return order[np.argsort(merit[order], kind="stable")]
