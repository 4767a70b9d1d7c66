"""Local features that descriptors share, and what becomes of them when these are dropped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cbir
from cbir.descriptors.local_features.orb import OrbExtractor
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.indexing.build import build_index

BAG = "orb:words=20,features=100"
CODES = "asmk:features=orb,count=100,upright=no,words=20"
"""Both by the same features."""


@pytest.fixture
def index(tmp_path: Path) -> str:
    return str(tmp_path / "index.csv")


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each extraction by ORB."""
    calls: list[int] = []
    extract: Callable[..., object] = OrbExtractor.extract

    def counted(self: OrbExtractor, image: np.ndarray) -> object:
        calls.append(1)
        return extract(self, image)

    monkeypatch.setattr(OrbExtractor, "extract", counted)
    return calls


def folders(index: str) -> set[str]:
    folder = Path(f"{index}.cbir") / "features"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_two_encoders_share_features(photos: Path, index: str, extracted: list[int]) -> None:
    cbir.index(str(photos), index, ["hsv", BAG], workers=1)
    assert folders(index) == {OrbExtractor(100).fingerprint}
    assert len(extracted) == 24  # to train on, and to keep
    cbir.index(str(photos), index, CODES, workers=1)
    assert folders(index) == {OrbExtractor(100).fingerprint}
    assert len(extracted) == 36  # to train on
    both = cbir.open(index)
    counts = both.vectors("orb")
    assert np.array_equal(counts, both.vectors("asmk")) and counts.any()


def test_features_go_with_the_last_descriptor_that_uses_them(photos: Path, index: str) -> None:
    cbir.index(str(photos), index, ["hsv", BAG, CODES])
    build_index(str(photos), index, (), features=SiftExtractor())
    of_duplicates = SiftExtractor().fingerprint
    assert folders(index) == {OrbExtractor(100).fingerprint, of_duplicates}
    cbir.index(str(photos), index, drop="orb")
    assert folders(index) == {OrbExtractor(100).fingerprint, of_duplicates}
    cbir.index(str(photos), index, drop="asmk")
    assert folders(index) == {of_duplicates}
    cbir.index(str(photos), index, rebuild=True, descriptors="hsv")
    assert folders(index) == {of_duplicates}


def test_features_that_are_asked_for_besides_stay(photos: Path, index: str) -> None:
    cbir.index(str(photos), index, ["hsv", BAG])
    build_index(str(photos), index, (), drop="orb", features=OrbExtractor(100))
    assert folders(index) == {OrbExtractor(100).fingerprint}
