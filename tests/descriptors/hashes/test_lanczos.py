"""Thumbnails are Pillow's, to the last pixel."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from cbir.core.machine_code import AwaitedLoop
from cbir.descriptors.hashes import lanczos
from cbir.descriptors.hashes.lanczos import gray_thumbnail
from cbir.images.encoded_image import EncodedImage
from tests.compiled import compiled

LOOPS = (lanczos._GRAY, lanczos._RESAMPLING)
SIZES = ((64, 64), (32, 32), (17, 16), (9, 8), (8, 8))


def of_pillow(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    gray = Image.fromarray(pixels).convert("L")
    return np.asarray(gray.resize((width, height), Image.Resampling.LANCZOS))


def thumbnails(pixels: np.ndarray, width: int, height: int) -> list[np.ndarray]:
    """Return what numpy gives, and what the compiled loops give."""
    found = []
    runs = {loop: compiled(loop) for loop in LOOPS}
    for run in ({}, runs):
        with mock.patch.object(AwaitedLoop, "after", lambda loop, work, run=run: run.get(loop)):
            found.append(gray_thumbnail(pixels, width, height))
    return found


@pytest.mark.parametrize("size", SIZES)
def test_thumbnails_of_photographs_are_pillows(size: tuple[int, int], photos: Path) -> None:
    for path in photos.rglob("*.jpg"):
        pixels = EncodedImage.open(str(path)).pixels(512)
        for found in thumbnails(pixels, *size):
            assert np.array_equal(found, of_pillow(pixels, *size))


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
    for found in thumbnails(noise, *size):
        assert np.array_equal(found, of_pillow(noise, *size))
