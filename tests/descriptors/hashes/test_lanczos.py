"""Thumbnails are Pillow's, to the last pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from cbir.descriptors.hashes.lanczos import gray_thumbnail
from cbir.images.encoded_image import EncodedImage

SIZES = ((64, 64), (32, 32), (17, 16), (9, 8), (8, 8))


def of_pillow(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    gray = Image.fromarray(pixels).convert("L")
    return np.asarray(gray.resize((width, height), Image.Resampling.LANCZOS))


@pytest.mark.parametrize("size", SIZES)
def test_thumbnails_of_photographs_are_pillows(size: tuple[int, int], photos: Path) -> None:
    for path in photos.rglob("*.jpg"):
        pixels = EncodedImage.open(str(path)).pixels(512)
        assert np.array_equal(gray_thumbnail(pixels, *size), of_pillow(pixels, *size))


@given(
    width=st.integers(1, 600),
    height=st.integers(1, 600),
    size=st.sampled_from(SIZES),
    black_and_white=st.booleans(),
    seed=st.integers(0, 9),
)
@example(width=512, height=512, size=(64, 64), black_and_white=True, seed=0)
@example(width=64, height=64, size=(64, 64), black_and_white=False, seed=0)
@example(width=65, height=66, size=(64, 64), black_and_white=False, seed=0)
@example(width=65, height=67, size=(64, 64), black_and_white=False, seed=0)
@example(width=513, height=300, size=(64, 64), black_and_white=False, seed=0)
def test_thumbnails_of_noise_are_pillows(
    width: int, height: int, size: tuple[int, int], black_and_white: bool, seed: int
) -> None:
    """Of all proportions; black and white noise makes the filter overshoot."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    if black_and_white:
        noise = np.where(noise > 127, np.uint8(255), np.uint8(0))
    assert np.array_equal(gray_thumbnail(noise, *size), of_pillow(noise, *size))
