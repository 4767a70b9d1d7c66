"""AKAZE features, or what is told where the installed OpenCV has none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cbir.core.errors import CbirError
from cbir.descriptors.local_features.akaze import AkazeExtractor
from cbir.images.encoded_image import EncodedImage
from tests.conftest import DATA


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return EncodedImage.open(str(DATA / "windmills" / "windmill-1.jpg")).pixels(512)


def refuse(photo: np.ndarray) -> None:
    with pytest.raises(CbirError, match="pip install opencv-contrib-python-headless"):
        AkazeExtractor().extract(photo)


def check_features(photo: np.ndarray) -> None:
    """The strongest keypoints of OpenCV, described by OpenCV."""
    found = AkazeExtractor(300).extract(photo)
    assert len(found) == 300
    gray = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    akaze = cv2.xfeatures2d.AKAZE.create(threshold=0.0003)  # type: ignore[attr-defined]
    keypoints, descriptors = akaze.detectAndCompute(gray, None)
    order = np.argsort([-keypoint.response for keypoint in keypoints], kind="stable")[:300]
    theirs = {descriptors[place].tobytes() for place in order}
    ours = {row[: descriptors.shape[1]].tobytes() for row in found.descriptors}
    assert ours == theirs and not found.descriptors[:, descriptors.shape[1] :].any()


def check_turned(photo: np.ndarray) -> None:
    shares = []
    for upright in (False, True):
        extractor = AkazeExtractor(300, upright)
        images = photo, np.ascontiguousarray(np.rot90(photo))
        one, other = (extractor.extract(image).descriptors for image in images)
        apart = np.bitwise_count(one[:, None] ^ other[None]).sum(axis=2)
        shares.append((apart.min(axis=1) < 80).mean())
    assert shares[0] > 0.5 and shares[1] < 0.3


CHECKS = [refuse] if AkazeExtractor().missing else [check_features, check_turned]


@pytest.mark.parametrize("check", CHECKS)
def test_akaze(check: object, photo: np.ndarray) -> None:
    assert callable(check)
    check(photo)
