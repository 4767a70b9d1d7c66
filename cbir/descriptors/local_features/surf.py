"""SURF features, by mahotas."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar

import cv2
import numpy as np

from cbir.core.optional_packages import optional_module
from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures, check_count
from cbir.images.pixels import WORKING_SIZES, Pixels

_VALUES = 64

_THRESHOLD = 0.01
"""Of the determinant of the Hessian, a tenth of mahotas' own: more keypoints in smooth images."""

_PIXELS_OF_SCALE = 20
"""A descriptor looks at a square with sides of so many scales."""

_OFFSET, _FACTOR = 128, 256
"""A descriptor of length 1 is stored as ``round(128 + 256 * value)``; few values are beyond a
half."""


@dataclass(frozen=True)
class SurfExtractor(LocalExtractor[LocalFeatures]):
    """Extracts SURF features: blobs found by box filters, described by sums of differences.

    It needs the optional package mahotas. SIFT finds more in all that was measured; this is for
    comparisons with what was published.

    Parameters
    ----------
    count : int
        Features an image, at most: the strongest.

    References
    ----------
    H. Bay, A. Ess, T. Tuytelaars, L. Van Gool, "Speeded-up robust features (SURF)", CVIU 110(3),
    2008; L. P. Coelho, "Mahotas: open source software for scriptable computer vision", JORS 1(1),
    2013.
    """

    name: ClassVar[str] = "surf"
    version: ClassVar[int] = 1
    working_size: ClassVar[int] = WORKING_SIZES[2]
    descriptor_size: ClassVar[int] = _VALUES
    modules: ClassVar[tuple[str, ...]] = ("mahotas",)
    extra: ClassVar[str] = "surf"

    count: int = 1000

    def __post_init__(self) -> None:
        check_count(self.name, self.count)

    def extract(self, image: Pixels) -> LocalFeatures:
        """Extract SURF features; see :meth:`LocalExtractor.extract`.

        Raises
        ------
        CbirError
            When mahotas is missing.
        """
        optional_module("mahotas", self.name, self.extra)
        surf = import_module("mahotas.features.surf")
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        height, width = gray.shape
        found = surf.surf(gray, threshold=_THRESHOLD, max_points=self.count)
        found = found[np.isfinite(found).all(axis=1)]
        y, x, scale, strength, _, direction = found[:, :6].T
        order = np.lexsort((direction, x, y, -strength))
        points = np.stack([x, y, _PIXELS_OF_SCALE * scale, direction % (2 * np.pi)], axis=1)
        values = np.rint(_OFFSET + _FACTOR * found[:, 6:])
        descriptors = np.clip(values, 0, 255).astype(np.uint8)
        return self.of(points[order].astype(np.float32), descriptors[order], width, height)
