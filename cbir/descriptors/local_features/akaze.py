"""AKAZE features, where the installed OpenCV has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np

from cbir.core.errors import CbirError
from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures, check_count
from cbir.descriptors.local_features.keypoint_selection import strongest
from cbir.images.pixels import WORKING_SIZES, Pixels

_CONTRAST = 0.0003
"""A third of OpenCV's: smooth images have too few keypoints otherwise."""


_CONTRIB = (
    "needs the contrib build of OpenCV, in place of the one that is installed: pip uninstall"
    " opencv-python-headless, and then pip install opencv-contrib-python-headless"
)


@dataclass(frozen=True)
class AkazeExtractor(LocalExtractor[LocalFeatures]):
    """Extracts AKAZE features: blobs of a nonlinear scale space, with binary descriptors.

    OpenCV 5 has them in its contrib build only. All builds of OpenCV for Python own the same
    folder, so that cbir asks for none of them: who wants AKAZE installs the contrib build in place
    of the other one.

    Parameters
    ----------
    count : int
        Features an image, at most: the strongest.
    upright : bool
        Do not turn the descriptors with the local orientation.

    References
    ----------
    P. F. Alcantarilla, J. Nuevo, A. Bartoli, "Fast explicit diffusion for accelerated features in
    nonlinear scale spaces", BMVC 2013.
    """

    name: ClassVar[str] = "akaze"
    version: ClassVar[int] = 1
    working_size: ClassVar[int] = WORKING_SIZES[2]
    descriptor_size: ClassVar[int] = 64
    """486 bits, and zeros up to a multiple of eight bytes."""
    is_binary: ClassVar[bool] = True

    count: int = 1000
    upright: bool = False

    def __post_init__(self) -> None:
        check_count(self.name, self.count)

    @property
    def missing(self) -> str | None:
        """What has to be installed, where the installed OpenCV has no AKAZE."""
        return _CONTRIB if _module() is None else None

    def extract(self, image: Pixels) -> LocalFeatures:
        """Extract AKAZE features; see :meth:`LocalExtractor.extract`.

        Raises
        ------
        CbirError
            When the installed OpenCV has none.
        """
        module = _module()
        if module is None:
            raise CbirError(f"{self.name} {_CONTRIB}")
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        height, width = gray.shape
        kind = module.AKAZE_DESCRIPTOR_MLDB
        if self.upright:
            kind = module.AKAZE_DESCRIPTOR_MLDB_UPRIGHT
        detector = module.AKAZE.create(descriptor_type=kind, threshold=_CONTRAST)
        keypoints, found = detector.detectAndCompute(gray, None)
        if found is None:
            return self.nothing(width, height)
        kept = strongest(keypoints, self.count)
        points = np.array(
            [
                (*one.pt, one.size, np.deg2rad(max(one.angle, 0)))
                for one in (keypoints[i] for i in kept)
            ],
            np.float32,
        )
        descriptors = np.zeros((len(kept), self.descriptor_size), np.uint8)
        descriptors[:, : found.shape[1]] = found[kept]
        return self.of(points, descriptors, width, height)


def _module() -> Any:
    """Return the module of OpenCV that has AKAZE, which type checkers do not know of, or None."""
    places = (cv2, getattr(cv2, "xfeatures2d", None))
    return next((place for place in places if hasattr(place, "AKAZE")), None)
