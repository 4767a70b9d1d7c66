"""Every extractor of local features keeps the contract, whatever it extracts."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from cbir.core.errors import UsageError
from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures
from cbir.descriptors.local_features.registry import EXTRACTORS, extractor_of
from cbir.images.encoded_image import EncodedImage
from cbir.stores.features.store import FeatureStore
from tests.conftest import DATA


def same(one: LocalFeatures, other: LocalFeatures) -> bool:
    return (
        (one.width, one.height) == (other.width, other.height)
        and np.array_equal(one.points, other.points)
        and np.array_equal(one.descriptors, other.descriptors)
    )


@pytest.mark.parametrize("name", EXTRACTORS)
def test_features_are_the_same_every_time_and_after_pickling(name: str) -> None:
    extractor = extractor_of(name)
    image = EncodedImage.open(str(DATA / "cats/cat-1.jpg")).pixels(extractor.working_size)
    features = extractor.extract(image)
    assert len(features) > 100 and (features.height, features.width) == image.shape[:2]
    assert features.descriptors.shape == (len(features), extractor.descriptor_size)
    x, y, diameter, direction = features.points.T
    assert (x >= 0).all() and (x < features.width).all()
    assert (y >= 0).all() and (y < features.height).all()
    assert (diameter > 0).all() and (direction >= 0).all() and (direction <= 2 * np.pi).all()
    again = pickle.loads(pickle.dumps(extractor))
    assert again == extractor and again.fingerprint == extractor.fingerprint
    assert same(again.extract(image.copy()), features)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_a_store_gives_back_what_was_extracted(name: str, tmp_path: Path) -> None:
    extractor = extractor_of(name)
    image = EncodedImage.open(str(DATA / "things/coffee-1.jpg")).pixels(extractor.working_size)
    some, none = extractor.extract(image), extractor.extract(np.zeros((40, 30, 3), np.uint8))
    assert len(none) == 0 and (none.width, none.height) == (30, 40)
    with FeatureStore(str(tmp_path / "store"), extractor.fields) as store:
        for number, features in enumerate((some, none)):
            store.append(bytes([number] * 32), extractor.as_record(features))
    with FeatureStore(str(tmp_path / "store"), extractor.fields) as store:
        for number, features in enumerate((some, none)):
            assert same(extractor.from_record(store.get(bytes([number] * 32))), features)


def test_parameters_and_names_tell_extractors_apart() -> None:
    specs = ("sift", "sift:count=60", "orb", "orb:upright=yes")
    extractors: list[LocalExtractor[LocalFeatures]] = [extractor_of(spec) for spec in specs]
    assert len({extractor.fingerprint for extractor in extractors}) == len(specs)
    assert extractors[1].parameters == {"count": 60, "upright": False, "step": 1}
    assert extractor_of(extractors[1]) is extractors[1]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("brisk", "there is no extractor 'brisk'; there are: akaze, orb, sift, surf"),
        ("sift:octaves=3", "extractor 'sift' has no parameter 'octaves'; it has: count"),
        ("orb:count=many", "extractor 'orb': count=many: not a whole number"),
        ("orb:count", "extractor 'orb': 'count' is not key=value"),
    ],
)
def test_what_is_no_extractor_is_refused_with_what_there_is(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        extractor_of(spec)
