"""Dense DAISY descriptors: against scipy's filters at single places, and mirrored images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from skimage.data import astronaut

from cbir.descriptors.local_features.daisy import daisy_patches, mirror_daisies

IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(77)
)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(np.repeat(astronaut()[60:221:2, 140:341:2, :1], 3, axis=2))


@pytest.mark.parametrize(("row", "column"), [(5, 5), (8, 12), (14, 20)])
def test_a_patch_is_made_of_smoothed_directions(photo: np.ndarray, row: int, column: int) -> None:
    gray = np.pad(photo[..., 0] / 255, 15, mode="symmetric")
    right, down = np.zeros_like(gray), np.zeros_like(gray)
    right[:, :-1], down[:-1] = np.diff(gray, axis=1), np.diff(gray, axis=0)
    angle = np.arctan2(down, right)
    votes = [
        np.hypot(right, down) * np.exp(8 / np.pi * np.cos(angle - (2 * np.pi * n / 8 - np.pi)))
        for n in range(8)
    ]
    y, x = 15 + 4 * row, 15 + 4 * column
    places = [(0.0, 0.0, 3.75)]
    for radius, deviation in ((7.5, 3.75), (15.0, 7.5)):
        turns = 2 * np.pi * np.arange(6) / 6
        places += [(radius * np.sin(t), radius * np.cos(t), deviation) for t in turns]
    smooth = {s: [gaussian_filter(v, s, mode="reflect") for v in votes] for s in (3.75, 7.5)}
    patch = np.array([
        [one[y + round(dy), x + round(dx)] for one in smooth[deviation]]
        for dy, dx, deviation in places
    ]).ravel()  # fmt: skip
    expected = np.minimum(1, 2 * np.sqrt(patch / (patch.sum() + 2)))
    columns = -(-photo.shape[1] // 4)
    found = daisy_patches(photo)
    assert found.values[row * columns + column] == pytest.approx(expected, abs=1e-3)
    center = (4 * column + 0.5) / photo.shape[1], (4 * row + 0.5) / photo.shape[0]
    assert found.places[row * columns + column] == pytest.approx(center, abs=1e-6)


def test_mirrored_patches_are_nearly_those_of_the_mirrored_image(photo: np.ndarray) -> None:
    rows, columns = 21, 26  # the first and the last column lie alike
    smooth = gaussian_filter(photo, (3, 3, 0))
    straight = daisy_patches(smooth).values.reshape(rows, columns, -1)
    other = daisy_patches(np.ascontiguousarray(smooth[:, ::-1])).values
    mirrored = mirror_daisies(straight[:, ::-1].reshape(rows * columns, -1))
    # Gradients are differences to the next pixel, so that all lies half a pixel beside.
    assert np.abs(mirrored - other).mean() < 0.2 * np.abs(straight - straight[:, ::-1]).mean()


@given(image=IMAGES)
def test_any_image_has_patches_from_0_to_1(image: np.ndarray) -> None:
    patches = daisy_patches(image)
    assert len(patches.values) == len(patches.places) > 0
    for array in (patches.values, patches.places):
        assert array.dtype == np.float32 and (array >= 0).all() and (array <= 1).all()
    assert np.array_equal(mirror_daisies(mirror_daisies(patches.values)), patches.values)
