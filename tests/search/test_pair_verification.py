"""Two images are compared alike, wherever their features come from."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import cbir
from cbir.core.errors import UnreadableImageError
from cbir.images.encoded_image import EncodedImage
from cbir.images.region import PixelRegion
from cbir.search.engine import open_index
from cbir.search.pair_verification import PairVerification


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a scene, and another one that holds it at half its size."""
    rng = np.random.default_rng(0)

    def scene() -> np.ndarray:
        noise = rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)
        return cv2.GaussianBlur(cv2.resize(noise, (480, 360)), (0, 0), 2)

    query, holding = scene(), scene()
    holding[100:280, 150:390] = cv2.resize(query, (240, 180), interpolation=cv2.INTER_AREA)
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos/query.png"), query)
    cv2.imwrite(str(tmp_path / "photos/holding.png"), holding)
    return tmp_path


def opened(folder: Path, name: str) -> EncodedImage:
    return EncodedImage.open(str(folder / f"photos/{name}.png"))


@pytest.mark.parametrize("descriptor", ["hsv", "asmk", "orb"])
def test_it_is_found_where_it_is(folder: Path, descriptor: str) -> None:
    index = str(folder / "index.csv")
    cbir.index(str(folder / "photos"), index, [descriptor])
    features = open_index(index).image_features()
    whole = PairVerification.of(opened(folder, "query"), None, features)
    found = whole.match(opened(folder, "holding"))
    assert found is not None and found.is_same
    assert np.array(found.quadrilateral[0]) == pytest.approx([150, 100], abs=25)
    assert np.array(found.transform)[:2, :2] == pytest.approx(np.eye(2) / 2, abs=0.02)

    part = PixelRegion(240, 180, 240, 180)
    found = PairVerification.of(opened(folder, "query"), part, features).match(
        opened(folder, "holding")
    )
    assert found is not None and found.is_same
    assert found.query_box.x >= 240 and found.box.x >= 265 and found.box.y >= 185
    assert np.array(found.transform)[:2, 2] == pytest.approx([150, 100], abs=4)


def test_a_region_of_what_is_no_image_is_refused(folder: Path) -> None:
    (folder / "photos/no.png").write_bytes(b"no image")
    cbir.index(str(folder / "photos"), str(folder / "index.csv"), ["hsv"])
    features = open_index(str(folder / "index.csv")).image_features()
    with pytest.raises(UnreadableImageError):
        PairVerification.of(opened(folder, "no"), None, features)
