"""What is told of a verified result, in pixels of the upright images."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from cbir.descriptors.local_features.sift import SiftFeatures
from cbir.images.region import PixelRegion
from cbir.search.found_match import FoundMatch
from cbir.search.verified_match import VerifiedMatch
from cbir.verification.spatial_matching import SpatialVerifier


def features(points: np.ndarray, numbers: np.ndarray, width: int, height: int) -> SiftFeatures:
    return SiftFeatures(points.astype(np.float32), numbers, width, height)


def verified(region: PixelRegion, size: tuple[int, int]) -> VerifiedMatch:
    """A query of 100 × 80 working pixels that lies at (5, 7) in a candidate of 200 × 160."""
    rng = np.random.default_rng(0)
    points = np.column_stack(
        [rng.uniform(10, 90, 40), rng.uniform(10, 70, 40), np.full(40, 4.0), np.zeros(40)]
    )
    numbers = rng.integers(0, 255, (40, 128), dtype=np.uint8)
    first = features(points, numbers, 100, 80)
    second = features(np.add(points, [5, 7, 0, 0]), numbers, 200, 160)
    found = SpatialVerifier(first).match(second)
    assert found is not None
    return VerifiedMatch.of(FoundMatch(found, first, second), region, size)


def test_coordinates_are_those_of_the_upright_images() -> None:
    one = verified(PixelRegion(0, 0, 300, 240), (400, 320))
    # 3 pixels of the query are one of its working image, which are two of the candidate.
    expected = np.array([[2 / 3, 0, 10], [0, 2 / 3, 14], [0, 0, 1]])
    assert np.array(one.transform) == pytest.approx(expected, abs=1e-3)
    lines = np.array(one.lines)
    assert len(lines) == one.inliers == 40
    assert lines[:, 2:] == pytest.approx(lines[:, :2] * 2 / 3 + [10, 14], abs=1e-2)
    box = np.array(
        [[one.query_box.x, one.query_box.y],
         [one.query_box.x + one.query_box.width, one.query_box.y + one.query_box.height]],
        float,
    )  # fmt: skip
    corners = cv2.perspectiveTransform(box[None], np.array(one.transform))[0]
    assert np.abs(np.array(one.quadrilateral)[[0, 2]] - corners).max() < 2
    assert one.box.x == pytest.approx(corners[0, 0], abs=2)
    assert one.box.x + one.box.width == pytest.approx(corners[1, 0], abs=2)


def test_of_a_region_coordinates_are_those_of_the_whole_query() -> None:
    whole = verified(PixelRegion(0, 0, 300, 240), (400, 320))
    part = verified(PixelRegion(50, 60, 300, 240), (400, 320))
    assert np.array(part.lines) == pytest.approx(np.add(whole.lines, [50, 60, 0, 0]))
    assert part.query_box.x == whole.query_box.x + 50 and part.box == whole.box


def test_a_box_stays_within_its_image() -> None:
    one = verified(PixelRegion(0, 0, 100, 80), (40, 32))
    for box, size in ((one.box, (40, 32)), (one.query_box, (100, 80))):
        assert box.x >= 0 and box.y >= 0 and box.width > 0 and box.height > 0
        assert box.x + box.width <= size[0] and box.y + box.height <= size[1]


def test_it_can_be_written_as_json() -> None:
    told = json.loads(json.dumps(verified(PixelRegion(0, 0, 100, 80), (200, 160)).to_dict()))
    assert told["same"] is True and told["inliers"] == 40 and len(told["box"]) == 4
