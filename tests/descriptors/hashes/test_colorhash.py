"""The color hash: what its bytes mean, and ImageHash's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cbir.descriptors.hashes.colorhash import ColorHash
from cbir.images.encoded_image import EncodedImage
from cbir.search.metrics import hamming


def eighths(image: np.ndarray) -> np.ndarray:
    return np.bitwise_count(ColorHash().describe(image)[:-1])


@pytest.mark.parametrize(
    ("rgb", "place"),
    [
        ((0, 0, 0), 0),
        ((128, 128, 128), 1),
        ((200, 110, 100), 2),
        ((255, 0, 0), 8),
        ((0, 255, 0), 10),
        ((40, 40, 255), 12),
    ],
)
def test_a_solid_color_fills_its_byte(rgb: tuple[int, int, int], place: int) -> None:
    expected = np.zeros(14, int)
    expected[place] = 8
    assert np.array_equal(eighths(np.full((30, 40, 3), rgb, np.uint8)), expected)


def test_the_distance_is_the_sum_of_steps_between_shares() -> None:
    rows = []
    for black in (0, 16, 40, 80):
        image = np.full((80, 60, 3), 180, np.uint8)
        image[:black] = 0
        rows.append(ColorHash().describe(image)[:-1])
    # 0, 1.6, 4 and 8 eighths are black, the others gray: 8, 6.4, 4, 0.
    assert hamming(rows[0], np.array(rows)).tolist() == [0, 3, 8, 16]


def test_classes_and_shares_are_those_of_imagehash(photos: Path, noise: np.ndarray) -> None:
    imagehash = pytest.importorskip("imagehash")
    images = [EncodedImage.open(str(path)).pixels(128) for path in sorted(photos.rglob("*.jpg"))]
    for pixels in [*images, noise]:
        number = np.minimum(eighths(pixels), 7)
        code = np.stack([number >= 4, number >= 2, number % 2 == 1], axis=1)
        assert np.array_equal(code, imagehash.colorhash(Image.fromarray(pixels), 3).hash)
