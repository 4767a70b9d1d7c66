"""ORB features, spread over an image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cbir.descriptors.local_features.orb import OrbExtractor, _spread
from cbir.images.encoded_image import EncodedImage
from tests.conftest import DATA


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return EncodedImage.open(str(DATA / "windmills" / "windmill-1.jpg")).pixels(512)


def test_keypoints_are_spread_over_cells_and_levels() -> None:
    """A cell that is full of strong corners does not take the places of the weak ones."""
    rng = np.random.default_rng(0)
    crowd = [cv2.KeyPoint(*rng.uniform(0, 99, 2), 31, 0, 1.0, 0) for _ in range(900)]
    weak = [cv2.KeyPoint(*rng.uniform(100, 399, 2), 31, 0, 0.1, 0) for _ in range(90)]
    above = [cv2.KeyPoint(*rng.uniform(0, 399, 2), 31, 0, 0.1, 1) for _ in range(150)]
    kept = _spread(crowd + weak + above, 220, 100.0)
    assert len(kept) == 220
    on_ground = [keypoint for keypoint in kept if keypoint.octave == 0]
    assert sum(keypoint.response < 1 for keypoint in on_ground) == 90
    assert len(on_ground) == pytest.approx(220 * 1.2 / 2.2, abs=1)


@pytest.mark.parametrize("count", [1, 50, 1000])
def test_no_more_features_than_asked_for(photo: np.ndarray, count: int) -> None:
    assert 0 < len(OrbExtractor(count).extract(photo).descriptors) <= count


def test_turning_an_image_changes_little_unless_upright(photo: np.ndarray) -> None:
    turned = np.ascontiguousarray(np.rot90(photo))

    def matched(upright: bool) -> float:
        extractor = OrbExtractor(500, upright)
        one, other = (extractor.extract(image).descriptors for image in (photo, turned))
        distances = cdist(np.unpackbits(one, axis=1), np.unpackbits(other, axis=1), "cityblock")
        return float((distances.min(axis=1) < 30).mean())

    assert matched(upright=False) > 0.5 > 0.2 > matched(upright=True)
