"""Local features are taken from where they are kept, and extracted where they are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.descriptors.local_features.base import LocalFeatures
from cbir.descriptors.local_features.orb import OrbExtractor
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.images.encoded_image import EncodedImage
from cbir.images.open_image import OpenImage
from cbir.images.pixels import Pixels
from cbir.images.region import PixelRegion
from cbir.images.region_of_image import region_of
from cbir.search.engine import Index, open_index
from cbir.search.image_features import COUNT, ImageFeatures
from cbir.stores.features.kept import KeptFeatures
from tests.conftest import DATA


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("features")
    (made / "photos").mkdir()
    for name in ("cats/cat-1", "cats/cat-2"):
        shutil.copy2(DATA / f"{name}.jpg", made / "photos")
    return made


def index_of(folder: Path, name: str, *descriptors: str, features: str | None = None) -> Index:
    path = str(folder / f"{name}.csv")
    cbir.index(str(folder / "photos"), path, list(descriptors), features=features)
    return open_index(path)


def image(name: str = "cats/cat-1.jpg") -> EncodedImage:
    return EncodedImage.open(str(DATA / name))


class Refusing(SiftExtractor):
    """Extracts nothing."""

    def extract(self, pixels: Pixels) -> SiftFeatures:
        raise AssertionError("these features are kept")


def same(one: LocalFeatures, other: LocalFeatures) -> bool:
    return np.array_equal(one.descriptors, other.descriptors) and np.array_equal(
        one.points, other.points
    )


def extracted(features: ImageFeatures, one: OpenImage) -> LocalFeatures:
    found: LocalFeatures = features.extractor.extract(one.pixels(features.extractor.working_size))
    return found


def test_what_is_kept_is_not_extracted_again(folder: Path) -> None:
    index = index_of(folder, "kept", "hsv", features="sift")
    found = index.image_features()
    assert found.extractor == SiftExtractor()
    kept = KeptFeatures(index.snapshot.features(SiftExtractor()), SiftExtractor())
    stored = ImageFeatures(Refusing(), kept).of(image())
    assert same(stored, found.of(image())) and len(stored) > 100
    with pytest.raises(AssertionError, match="are kept"):
        ImageFeatures(Refusing(), kept).of(image("cats/cat-3.jpg"))


def test_regions_and_other_images_are_extracted(folder: Path) -> None:
    found = index_of(folder, "kept", "hsv", features="sift").image_features()
    part = region_of(image(), PixelRegion(10, 10, 200, 150))
    other = image("cats/cat-3.jpg")
    for one in (part, other):
        assert same(found.of(one), extracted(found, one))


def test_the_features_of_what_was_searched_by_come_first(folder: Path) -> None:
    index = index_of(folder, "several", "hsv", "asmk", "orb")
    assert index.image_features().extractor.name == "sift"
    assert index.image_features("hsv+orb").extractor.name == "orb"
    assert isinstance(index.image_features("orb").extractor, OrbExtractor)


def test_without_any_a_thousand_are_extracted(folder: Path) -> None:
    found = index_of(folder, "none", "hsv").image_features()
    assert found.extractor == SiftExtractor(COUNT)
    assert same(found.of(image()), extracted(found, image()))
