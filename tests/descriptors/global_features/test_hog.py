"""HOG against scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import camera
from skimage.feature import hog
from skimage.transform import resize

from cbir.core.errors import UsageError
from cbir.descriptors.global_features import hog as hog_module
from cbir.descriptors.global_features.hog import Hog


@pytest.mark.parametrize(
    "descriptor",
    [Hog(), Hog(cells=16, blocks=3, orientations=6), Hog(size=60, cells=5, blocks=1)],
)
def test_agrees_with_scikit_image(descriptor: Hog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hog_module, "_FAINT", 1e-5)
    monkeypatch.setattr(hog_module, "_SOFT", 1e-10)
    side = descriptor.size
    square = (resize(camera(), (side, side)) * 255).astype(np.uint8)
    expected = hog(
        square,
        orientations=descriptor.orientations,
        pixels_per_cell=(side // descriptor.cells,) * 2,
        cells_per_block=(descriptor.blocks,) * 2,
        block_norm="L2-Hys",
    )
    np.testing.assert_allclose(descriptor.values(square), expected, atol=1e-6)


def test_an_image_without_gradients_gives_zeros() -> None:
    assert not Hog().describe(np.full((50, 80, 3), 99, np.uint8)).any()


def test_contrast_matters_only_where_there_is_little() -> None:
    rng = np.random.default_rng(2)
    shade = np.repeat(rng.integers(0, 2, (8, 8, 1), np.uint8), 16, 0).repeat(16, 1).repeat(3, 2)
    strong, stronger, faint = (Hog().describe(shade * k).astype(int) for k in (120, 240, 2))
    assert np.abs(stronger - strong).max() <= 40
    assert faint.max() < 10 < strong.max()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (128, 128, 3)])
def test_any_shape_is_described(shape: tuple[int, int, int]) -> None:
    assert len(Hog().describe(np.zeros(shape, np.uint8))) == Hog().dimension


@pytest.mark.parametrize(
    "parameters",
    [{"size": 100}, {"cells": 0}, {"blocks": 9}, {"orientations": 0}, {"size": 4096}],
)
def test_impossible_parameters_are_refused(parameters: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="hog: "):
        Hog(**parameters)
