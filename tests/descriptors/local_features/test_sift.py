"""Local features: spread, repeatable, and mirrored without extracting them again."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.images.encoded_image import EncodedImage
from cbir.stores.features.store import FeatureStore
from tests.conftest import DATA

NAMES = ["cats/cat-1", "windmills/windmill-1", "things/coffee-1"]


@cache
def image_of(name: str) -> np.ndarray:
    return EncodedImage.open(str(DATA / f"{name}.jpg")).pixels(512)


def equal(one: SiftFeatures, other: SiftFeatures) -> bool:
    return (
        (one.width, one.height) == (other.width, other.height)
        and np.array_equal(one.points, other.points)
        and np.array_equal(one.descriptors, other.descriptors)
    )


def coinciding(one: SiftFeatures, other: SiftFeatures) -> np.ndarray:
    """Which keypoints are the same: within a pixel, a tenth of a turn and a fifth of the size."""
    x, y, size, turn = (one.points[:, None] - other.points[None]).transpose(2, 0, 1)
    turn = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)
    near = np.hypot(x, y) < 1
    alike = np.abs(size) < 0.2 * one.points[:, 2, None]
    return near & alike & (turn < 0.6)


@pytest.mark.parametrize("name", NAMES)
def test_mirrored_features_are_those_of_the_mirrored_image(name: str) -> None:
    image, extractor = image_of(name), SiftExtractor()
    features = extractor.extract(image)
    true = extractor.extract(np.ascontiguousarray(image[:, ::-1]))
    mirrored = features.mirrored()
    pairs = coinciding(mirrored, true)
    assert pairs.any(axis=1).mean() > 0.8
    apart = np.linalg.norm(
        mirrored.descriptors[:, None].astype(np.float32) - true.descriptors[None], axis=2
    )
    nearest = np.where(pairs, apart, np.inf).min(axis=1)[pairs.any(axis=1)]
    # Those of different keypoints are some 400 apart.
    assert np.median(nearest) < 20 and np.percentile(nearest, 90) < 100
    assert equal(mirrored.mirrored(), features) or np.allclose(
        mirrored.mirrored().points, features.points, atol=1e-4
    )


def test_the_same_image_gives_the_same_features_and_at_most_the_count() -> None:
    image = image_of("cats/cat-1")
    features = SiftExtractor().extract(image)
    assert len(features) == 500 and (features.height, features.width) == image.shape[:2]
    assert equal(features, SiftExtractor().extract(image.copy()))
    few = SiftExtractor(count=60).extract(image)
    assert len(few) == 60
    assert SiftExtractor(60).fingerprint != SiftExtractor().fingerprint


def test_features_are_of_sound_types_and_inside_the_image() -> None:
    image = image_of("windmills/windmill-1")
    features = SiftExtractor().extract(image)
    assert features.points.dtype == np.float32 and features.points.shape == (len(features), 4)
    assert features.descriptors.dtype == np.uint8
    assert features.descriptors.shape == (len(features), 128)
    x, y, size, turn = features.points.T
    assert x.min() >= 0 and x.max() < features.width
    assert y.min() >= 0 and y.max() < features.height
    assert size.min() > 0 and turn.min() >= 0 and turn.max() <= 2 * np.pi + 1e-6


def test_descriptors_are_roots_of_sifts_by_opencv() -> None:
    """The same keypoints described by OpenCV alone, as exact as points are kept."""
    image = image_of("things/coffee-1")
    features = SiftExtractor().extract(image)
    points, rows = by_opencv(image)
    kept, theirs = matched(features.points, points)
    assert np.abs(features.descriptors[kept] - rows[theirs].astype(int)).max() <= 1


def test_features_that_are_not_spread_are_the_strongest_of_opencv() -> None:
    image = image_of("things/coffee-1")
    features = SiftExtractor(count=100, spread=False).extract(image)
    assert len(features) == 100
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    every = cv2.SIFT.create(contrastThreshold=0.02).detect(gray, None)
    strongest = sorted(every, key=lambda keypoint: -keypoint.response)[:100]
    points = np.array([(*one.pt, one.size, np.deg2rad(one.angle)) for one in strongest])
    _, theirs = matched(features.points, points)
    assert len(set(theirs.tolist())) == len(theirs)
    points, rows = by_opencv(image)
    kept, theirs = matched(features.points, points)
    assert np.abs(features.descriptors[kept] - rows[theirs].astype(int)).max() <= 1
    upright = SiftExtractor(count=100, upright=True, spread=False).extract(image)
    assert len(upright) == 100


def by_opencv(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points and the RootSIFT descriptors of OpenCV's keypoints."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    keypoints, found = cv2.SIFT.create(contrastThreshold=0.02).detectAndCompute(gray, None)
    share = found / np.abs(found).sum(axis=1, keepdims=True)
    rows = np.minimum(np.rint(512 * np.sqrt(share)), 255).astype(np.uint8)
    points = np.array([(*one.pt, one.size, np.deg2rad(one.angle)) for one in keypoints])
    return points, rows


def matched(kept: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the only point that each kept one may be: half a step off in each number."""
    x, y, _, turn = np.abs(kept[:, None] - points[None]).transpose(2, 0, 1)
    turn = np.minimum(turn, 2 * np.pi - turn)
    sizes = np.abs(np.log2(kept[:, 2, None] / points[None, :, 2]))
    near = (x <= 1 / 64 + 1e-4) & (y <= 1 / 64 + 1e-4)
    near &= (sizes <= 1 / 32 + 1e-4) & (turn <= np.pi / 256 + 1e-4)
    assert near.any(axis=1).all()
    alone = np.flatnonzero(near.sum(axis=1) == 1)
    assert len(alone) > 0.95 * len(kept)
    return alone, near[alone].argmax(axis=1)


def test_upright_descriptors_are_those_of_opencv_without_a_direction() -> None:
    image = image_of("things/coffee-1")
    features = SiftExtractor(upright=True).extract(image)
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    sift = cv2.SIFT.create(contrastThreshold=0.02)
    by_place: dict[tuple[object, ...], cv2.KeyPoint] = {}
    directions: dict[tuple[object, ...], list[float]] = {}
    for keypoint in sift.detect(gray, None):
        place = (keypoint.pt, keypoint.size)
        directions.setdefault(place, []).append(float(np.deg2rad(keypoint.angle)))
        keypoint.angle = 0
        by_place.setdefault(place, keypoint)
    keypoints, found = sift.compute(gray, list(by_place.values()))
    rows = np.rint(512 * np.sqrt(found / np.abs(found).sum(axis=1, keepdims=True)))
    points = np.array([(*one.pt, one.size, 0) for one in keypoints])
    kept, theirs = matched(features.points * np.float32([1, 1, 1, 0]), points)
    assert np.abs(features.descriptors[kept] - np.minimum(rows[theirs], 255)).max() <= 1
    # The points have one of their directions all the same: it tells right matches from wrong ones.
    places = list(by_place)
    for one, other in zip(kept.tolist(), theirs.tolist(), strict=True):
        apart = np.abs(np.array(directions[places[other]]) - features.points[one, 3])
        assert np.minimum(apart, 2 * np.pi - apart).min() <= np.pi / 256 + 1e-4
    # Each place and size is there once, whatever directions it has.
    assert len({tuple(point) for point in features.points[kept, :3]}) == len(kept)


def test_upright_features_do_not_stand_a_turn_and_others_do() -> None:
    image = image_of("windmills/windmill-1")
    turned = np.ascontiguousarray(np.rot90(image))
    shares = []
    for upright in (False, True):
        extractor = SiftExtractor(300, upright)
        one, other = (extractor.extract(which).descriptors for which in (image, turned))
        apart = np.linalg.norm(one[:, None].astype(np.float32) - other[None], axis=2)
        shares.append((apart.min(axis=1) < 150).mean())
    assert shares[0] > 0.5 and shares[1] < 0.3


@pytest.mark.parametrize("step", [1, 5, 16, 32])
def test_steps_are_whole_multiples_and_no_further_off_than_half_of_one(step: int) -> None:
    image = image_of("cats/cat-1")
    exact, stepped = (SiftExtractor(100, step=given).extract(image) for given in (1, step))
    assert np.array_equal(exact.points, stepped.points)
    assert not (stepped.descriptors % step).any()
    apart = np.abs(stepped.descriptors.astype(int) - exact.descriptors)
    highest = 255 // step * step  # beyond it there is no multiple
    assert apart[exact.descriptors <= highest].max() <= step / 2 + 0.5


def test_features_are_spread_over_the_image() -> None:
    """One half has strong texture, the other the same at a lower contrast."""
    noise = np.random.default_rng(0).integers(0, 255, (60, 80), np.uint8)
    texture = cv2.GaussianBlur(cv2.resize(noise, (400, 300)), (0, 0), 1.5).astype(np.float32)
    texture[:, 200:] = 128 + 0.7 * (texture[:, 200:] - 128)
    image = np.repeat(texture.astype(np.uint8)[:, :, None], 3, axis=2)
    strongest = cv2.SIFT.create(nfeatures=200).detect(image[:, :, 0], None)
    faint = np.mean([keypoint.pt[0] > 200 for keypoint in strongest])
    spread = np.mean(SiftExtractor(200).extract(image).points[:, 0] > 200)
    assert faint < 0.1 and spread > 0.2


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (7, 5), (64, 64)])
def test_images_without_structure_have_no_features(shape: tuple[int, int]) -> None:
    features = SiftExtractor().extract(np.full((*shape, 3), 90, np.uint8))
    assert len(features) == 0 and features.descriptors.shape == (0, 128)
    assert (features.height, features.width) == shape
    assert len(features.mirrored()) == 0


def test_records_give_the_features_back(tmp_path: object) -> None:
    extractor = SiftExtractor(50)
    both = [
        extractor.extract(image_of(NAMES[0])),
        extractor.extract(np.zeros((9, 9, 3), np.uint8)),
    ]
    with FeatureStore(str(tmp_path), extractor.fields) as store:
        for number, features in enumerate(both):
            store.append(bytes([number] * 32), extractor.as_record(features))
    store = FeatureStore(str(tmp_path), extractor.fields)
    for number, features in enumerate(both):
        assert equal(extractor.from_record(store.get(bytes([number] * 32))), features)
