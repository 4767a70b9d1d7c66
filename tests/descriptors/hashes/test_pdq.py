"""PDQ against a slow implementation that follows the published description word by word."""

from __future__ import annotations

import numpy as np
import pytest

from cbir.descriptors.hashes.pdq import Pdq
from cbir.images.encoded_image import EncodedImage
from tests.conftest import DATA


def box(lines: np.ndarray) -> np.ndarray:
    """Average along the first axis; a window is cut off at the borders."""
    length = len(lines)
    window = (length + 127) // 128
    before, after = (window - 1) // 2, window // 2
    return np.stack([lines[max(0, i - before) : i + after + 1].mean(axis=0) for i in range(length)])


def slow_pdq(image: np.ndarray) -> tuple[np.ndarray, int]:
    luminance = image.astype(float) @ [0.299, 0.587, 0.114]
    for _ in range(2):
        luminance = box(box(luminance.T).T)
    height, width = luminance.shape
    y = [int((i + 0.5) * height / 64) for i in range(64)]
    x = [int((i + 0.5) * width / 64) for i in range(64)]
    small = luminance[np.ix_(y, x)]
    gradients = [np.diff(small, axis=0), np.diff(small, axis=1)]
    steps = sum(np.abs((gradient * 100 / 255).astype(int)).sum() for gradient in gradients)
    frequency, place = np.mgrid[1:17, 0:64]
    transform = np.cos(np.pi / 128 * frequency * (2 * place + 1))
    low = (transform @ small @ transform.T).ravel()
    bits = low > sorted(low)[127]
    return np.packbits(bits[::-1]), min(100, int(steps) // 90)


@pytest.mark.parametrize("size", [64, 100, 128, 129, 300, 512])
@pytest.mark.parametrize("name", ["cats/cat-1.jpg", "green/grass-blades-1.jpg"])
def test_it_is_what_the_description_says(name: str, size: int) -> None:
    image = EncodedImage.open(str(DATA / name)).pixels(size)
    bits, quality = slow_pdq(image)
    row = Pdq().describe(image)
    assert np.array_equal(row[:-1], bits)
    assert abs(int(row[-1]) - quality) <= 1


@pytest.mark.parametrize("shape", [(5, 5, 3), (64, 64, 3), (7, 300, 3), (200, 6, 3)])
def test_any_shape_will_do(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert np.array_equal(Pdq().describe(image)[:-1], slow_pdq(image)[0])


def test_what_is_too_small_has_no_hash() -> None:
    for shape in [(4, 50, 3), (50, 4, 3), (1, 1, 3)]:
        assert not Pdq().describe(np.full(shape, 200, np.uint8)).any()
