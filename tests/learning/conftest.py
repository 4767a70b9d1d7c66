"""An index of the sample images, made once; the images are gone: learning takes rows only."""

from __future__ import annotations

import shutil

import pytest

import cbir
from cbir.evaluation import GroundTruth, read_ground_truth
from tests.conftest import DATA


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> cbir.Index:
    folder = tmp_path_factory.mktemp("learning")
    shutil.copytree(DATA, folder / "data")
    path = str(folder / "index.csv")
    cbir.index(str(folder / "data"), path, ["hsv", "hog", "layout", "gist", "phash"])
    shutil.rmtree(folder / "data")
    return cbir.open(path)


@pytest.fixture
def truth(index: cbir.Index) -> GroundTruth:
    return read_ground_truth("folders", index.paths)
