"""Every extractor of local features keeps the contract, whatever it extracts."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cbir.core.errors import UsageError
from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures
from cbir.descriptors.local_features.registry import EXTRACTORS, extractor_of
from cbir.images.encoded_image import EncodedImage
from cbir.stores.features.store import FeatureStore
from tests.conftest import DATA, PROJECT, Run

INSTALLED = [name for name in EXTRACTORS if extractor_of(name).missing is None]
"""AKAZE is among them with the contrib build of OpenCV, by which .ci/run runs these tests, too."""


def same(one: LocalFeatures, other: LocalFeatures) -> bool:
    return (
        (one.width, one.height) == (other.width, other.height)
        and np.array_equal(one.points, other.points)
        and np.array_equal(one.descriptors, other.descriptors)
    )


@pytest.mark.parametrize("name", INSTALLED)
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


@pytest.mark.parametrize("name", INSTALLED)
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
    expected = {"count": 60, "upright": False, "step": 1, "spread": True}
    assert extractors[1].parameters == expected
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


def test_only_akaze_may_be_missing_where_the_tests_run() -> None:
    assert {*INSTALLED, "akaze"} == set(EXTRACTORS)


WITHOUT = """
import sys
sys.modules["mahotas"] = None
import cv2
for place in (cv2, getattr(cv2, "xfeatures2d", None)):
    if hasattr(place, "AKAZE"):
        del place.AKAZE
"""
"""Hides what may be missing."""


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("akaze", "akaze needs the contrib build of OpenCV, in place of the one that is installed"),
        ("surf", "surf needs the optional package mahotas; install it: pip install 'cbir[surf]'"),
    ],
)
def test_what_is_missing_is_told(name: str, remedy: str) -> None:
    code = WITHOUT + (
        "import numpy as np\n"
        "from cbir.descriptors.local_features.registry import extractor_of\n"
        "from cbir.core.errors import CbirError\n"
        f"extractor = extractor_of({name!r})\n"
        "try: extractor.extract(np.zeros((90, 90, 3), np.uint8))\n"
        f"except CbirError as error: assert str(error) == {name!r} + ' ' + extractor.missing\n"
        "else: raise AssertionError('not refused')\n"
        f"print({name!r}, extractor.missing)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(remedy)


@pytest.mark.parametrize("spec", ["asmk:features=akaze", "bovw:features=surf,upright=no"])
def test_it_is_told_before_anything_is_indexed(
    spec: str, run: Run, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WITHOUT)
    search = f"{tmp_path / 'site'}:{PROJECT}"
    for command in (("index", "-d", photos), ("train", "-d", photos, "-o", "x.npz")):
        done = run(*command, "--descriptor", spec, env={**os.environ, "PYTHONPATH": search})
        assert done.returncode == 1 and "install" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("*.csv")) and not list(tmp_path.glob("*.npz"))
