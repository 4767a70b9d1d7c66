"""The rows of unrelated images that come with the package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cbir.core.errors import CbirError
from cbir.descriptors import models
from cbir.descriptors.presets import PRESETS
from cbir.descriptors.registry import create
from cbir.descriptors.row_kinds import FEATURES
from cbir.descriptors.trained import TrainedDescriptor
from cbir.search.exact.flat import FlatIndex
from cbir.search.fusion import backgrounds
from cbir.search.fusion.backgrounds import Background, shipped
from cbir.search.metrics import METRICS

FILE = Path(models.__file__).parent / f"{backgrounds.FILE}.npz"


@pytest.mark.parametrize("name", ["hsv", "hog", "phash", "pdq", "dhash", "colorhash"])
def test_the_package_has_rows_of_its_descriptors(name: str) -> None:
    descriptor = create(name, {})
    rows = shipped(descriptor)
    assert rows is not None
    assert rows.shape == (200, descriptor.width) and rows.dtype == descriptor.dtype
    assert len(np.unique(rows, axis=0)) > 100


def test_other_parameters_have_no_rows() -> None:
    assert shipped(create("hsv", {"layout": "none"})) is None
    assert shipped(create("phash", {"bits": 64})) is None


def test_the_file_is_small() -> None:
    assert FILE.stat().st_size < 2_000_000


@pytest.mark.parametrize("content", [None, b"", b"PK\3\4 and nothing more"])
def test_a_damaged_package_is_told(content: bytes | None, package: Path) -> None:
    file = package / FILE.name
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CbirError, match=r"backgrounds.npz: cannot read .*; install cbir again"):
        shipped(create("hsv", {}))


def test_rows_of_the_index_stand_in_evenly_without_the_query() -> None:
    descriptor = create("hsv", {"layout": "none"})
    matrix = np.random.default_rng(0).integers(0, 256, (1000, 256), np.uint8)
    source = FlatIndex(matrix, descriptor.encoding, METRICS["chi2"])
    background = Background.of(descriptor, METRICS["chi2"], source)
    assert len(background.rows) == 256 and set(np.diff(background.rows)) == {3, 4}
    taken = int(background.rows[7])
    distances = background.distances(matrix[taken])
    assert len(distances) == 255 and (distances > 0).all()
    assert len(background.distances(matrix[1])) == 256


def test_the_presets_are_made_of_what_there_is() -> None:
    for name, preset in PRESETS.items():
        assert preset.name == name and preset.summary
        assert len(preset.specs) == len(preset.weights)
        assert all(weight > 0 for weight in preset.weights)


@pytest.mark.parametrize("name", PRESETS)
def test_the_package_has_rows_for_its_presets(name: str) -> None:
    for one in PRESETS[name].named:
        descriptor = one.descriptor
        if descriptor.kind == FEATURES:  # rows of the index stand in
            continue
        if isinstance(descriptor, TrainedDescriptor):
            state = descriptor.shipped()
            assert state is not None
            descriptor = descriptor.bind(state)
        assert shipped(descriptor) is not None, one.alias
