"""The color layout against the standard's formulas, written down in whole numbers, and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dctn

from cbir.descriptors.global_features.color_layout import (
    _CHROMA_MEAN,
    _LUMA_MEAN,
    ColorLayout,
    _levels,
    _zigzag,
)


def standard_luma_mean(value: int) -> int:
    if value > 191:
        return (112 + (value - 192) // 4) // 2
    if value > 159:
        return (96 + (value - 160) // 2) // 2
    if value > 95:
        return (32 + (value - 96)) // 2
    if value > 63:
        return (16 + (value - 64) // 2) // 2
    return value // 4 // 2


def standard_chroma_mean(value: int) -> int:
    if value > 191:
        return 63
    if value > 159:
        return 56 + (value - 160) // 4
    if value > 143:
        return 48 + (value - 144) // 2
    if value > 111:
        return 16 + (value - 112)
    if value > 95:
        return 8 + (value - 96) // 2
    return (value - 64) // 4 if value > 63 else 0


def standard_other(value: int) -> int:
    value = min(max(value, -256), 239)
    size = abs(value)
    if size > 127:
        size = 64 + size // 4
    elif size > 63:
        size = 32 + size // 2
    return ((size if value > 0 else -size) + 132) >> 3


def test_the_quantization_is_the_standards() -> None:
    none = np.zeros(0)
    for value in range(256):
        assert _levels(np.float64(value), none, _LUMA_MEAN) == [standard_luma_mean(value)]
        assert _levels(np.float64(value), none, _CHROMA_MEAN) == [standard_chroma_mean(value)]
    values = np.arange(-1100, 1100)
    expected = [standard_other(value) for value in values.tolist()]
    assert _levels(np.float64(0), values.astype(float), _LUMA_MEAN)[1:].tolist() == expected


def test_the_order_is_jpegs() -> None:
    assert _zigzag()[:15].tolist() == [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4]
    assert _zigzag()[-3:].tolist() == [55, 62, 63]


def test_the_row_is_that_of_scipys_transform() -> None:
    means = np.random.default_rng(5).integers(0, 256, (8, 8, 3))
    image = means.repeat(12, 0).repeat(16, 1).astype(np.uint8)
    red, green, blue = np.moveaxis(means / 256, 2, 0)
    gray = 0.299 * red + 0.587 * green + 0.114 * blue
    channels = [
        219 * gray + 16,
        224 * 0.564 * (blue - gray) + 128,
        224 * 0.713 * (red - gray) + 128,
    ]
    expected = []
    kinds = [(2, 2, standard_luma_mean), *[(3, 1, standard_chroma_mean)] * 2]
    for (weight, halved, mean), channel in zip(kinds, channels, strict=True):
        transformed = np.rint(dctn(channel, norm="ortho")).astype(int).ravel()[_zigzag()]
        levels = [standard_other(int(value / halved)) for value in transformed[1:]]
        expected += [weight * level for level in [mean(transformed[0] // 8), *levels]]
    assert ColorLayout(luma=64, chroma=64).describe(image).tolist() == expected


@pytest.mark.parametrize(("luma", "chroma"), [(21, 6), (1, 64), (6, 3)])
def test_fewer_coefficients_are_the_first_of_all(luma: int, chroma: int, noise: np.ndarray) -> None:
    whole = ColorLayout(luma=64, chroma=64).describe(noise)
    some = ColorLayout(luma=luma, chroma=chroma)  # type: ignore[arg-type]
    parts = [whole[:luma], whole[64 : 64 + chroma], whole[128 : 128 + chroma]]
    assert np.array_equal(some.describe(noise), np.concatenate(parts))
    assert some.dimension == len(some.describe(noise))


def test_a_gray_image_has_no_color_differences() -> None:
    gray = np.random.default_rng(3).integers(0, 256, (64, 64, 1), np.uint8).repeat(3, 2)
    assert ColorLayout(luma=1, chroma=3).describe(gray)[1:].tolist() == [96, 48, 48] * 2


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 128, 3), (128, 3, 3)])
def test_any_shape_is_described(shape: tuple[int, int, int]) -> None:
    assert len(ColorLayout().describe(np.full(shape, 77, np.uint8))) == 33
