"""Deep gray values become 8 bits by one rule without steps."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cbir.images.color_modes import _BAND, to_rgb
from cbir.images.encoded_image import EncodedImage

RAMP = np.linspace(0, 1, 4096).reshape(64, 64)


def decoded(values: np.ndarray, tags: dict[int, float] | None = None) -> np.ndarray:
    """Write a TIFF, and return the gray values that it is read with."""
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF", tiffinfo=tags or {})
    return EncodedImage("test", file.getvalue()).pixels()[:, :, 0].astype(int)


def test_floats_within_0_and_1_and_8_bits_are_taken_as_they_are() -> None:
    assert np.array_equal(decoded(RAMP.astype(np.float32)), np.rint(RAMP * 255))
    assert np.array_equal(decoded((RAMP * 200).astype(np.float32)), np.rint(RAMP * 200))
    assert np.array_equal(decoded(np.rint(RAMP * 60).astype(np.int32)), np.rint(RAMP * 60))


@pytest.mark.parametrize(
    ("dtype", "largest"),
    [(np.float32, largest) for largest in (1, 2, 100, 128, 255, 32768, 65535, 1_000_000)]
    + [(np.int32, largest) for largest in (100, 128, 255, 32768, 65535, 1_000_000)],
)
def test_a_little_more_changes_a_little(dtype: type, largest: int) -> None:
    step = 0.01 * largest if dtype is np.float32 else max(1, largest // 100)
    one = decoded((RAMP * largest).astype(dtype))
    other = decoded((RAMP * (largest + step)).astype(dtype))
    assert np.abs(one - other).max() <= 6
    assert one.max() >= 100


def test_a_few_values_beyond_the_others_do_not_darken_the_image() -> None:
    sharpened = RAMP.astype(np.float32)
    sharpened[0, :3] = (1.02, 1000, -5)
    difference = np.abs(decoded(sharpened) - np.rint(RAMP * 255))
    assert np.sort(difference.ravel())[-4] <= 1


def test_what_is_no_number_is_black_and_changes_nothing_else() -> None:
    holes = RAMP.astype(np.float32)
    holes[0, :3] = (np.nan, np.inf, -np.inf)
    gray = decoded(holes)
    assert gray[0, :3].tolist() == [0, 255, 0]
    assert np.abs(gray - np.rint(RAMP * 255))[1:].max() <= 1


def test_the_header_says_what_is_black_and_white() -> None:
    limits = {340: 0.0, 341: 2.0}
    assert decoded(RAMP.astype(np.float32), limits).max() == 128
    values = np.rint(RAMP * 10_000).astype(np.int32)
    assert decoded(values, {340: 0, 341: 20_000}).max() == 127


@pytest.mark.parametrize("limits", [(0.0, 0.0), (1.0, 0.0), (-3e38, 3e38), (0.0, float("inf"))])
def test_limits_that_say_nothing_are_not_believed(limits: tuple[float, float]) -> None:
    gray = decoded(RAMP.astype(np.float32), {340: limits[0], 341: limits[1]})
    assert np.array_equal(gray, np.rint(RAMP * 255))


def test_negative_values_are_stretched() -> None:
    gray = decoded((RAMP - 0.5).astype(np.float32))
    assert gray.min() == 0 and gray.max() == 255


def test_16_bits_keep_their_scale() -> None:
    deep = np.rint(RAMP * 1000).astype(np.uint16)
    assert np.array_equal(decoded(deep), deep >> 8)


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK", "LAB", "1", "LA"])
def test_large_images_are_converted_in_bands_that_do_not_show(
    mode: str, monkeypatch: pytest.MonkeyPatch, noise: np.ndarray
) -> None:
    image = Image.fromarray(noise)
    image = Image.new("LAB", image.size, (90, 20, 30)) if mode == "LAB" else image.convert(mode)
    whole = to_rgb(image)
    monkeypatch.setattr("cbir.images.color_modes._BAND", 7 * image.width)
    assert image.width * image.height < _BAND
    assert np.array_equal(to_rgb(image), whole)


def test_32_bits_without_a_sign_are_read_as_such() -> None:
    file = io.BytesIO()
    values = np.rint(RAMP * (2**32 - 1)).astype(np.uint32)
    tags = {339: 1}
    Image.fromarray(values.view(np.int32)).save(file, "TIFF", tiffinfo=tags)
    data = bytearray(file.getvalue())
    entry = data.index((339).to_bytes(2, "little") + (3).to_bytes(2, "little"))
    data[entry + 8 : entry + 10] = (1).to_bytes(2, "little")
    gray = EncodedImage("test", bytes(data)).pixels()[:, :, 0].astype(int)
    assert np.abs(gray - np.rint(RAMP * 255)).max() <= 1
