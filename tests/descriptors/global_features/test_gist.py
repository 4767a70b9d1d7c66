"""GIST against filtering the whole image, and on waves whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.data import camera

from cbir.descriptors.global_features.gist import (
    _DIRECTIONS,
    _FINEST,
    _SCALES,
    Gist,
    amplitudes,
    even_contrast,
)


def wave(scale: int, direction: int) -> np.ndarray:
    """A wave at the center frequency of a filter."""
    angle, frequency = direction * math.pi / _DIRECTIONS, _FINEST / 2**scale
    down, across = np.mgrid[:128, :128]
    phase = 2 * np.pi * frequency * (math.cos(angle) * across + math.sin(angle) * down)
    return np.cos(phase).astype(np.float32)


@pytest.mark.parametrize("direction", range(_DIRECTIONS))
@pytest.mark.parametrize("scale", range(_SCALES))
def test_a_filter_answers_its_own_wave_most(scale: int, direction: int) -> None:
    answers = amplitudes(wave(scale, direction))[:, :, 1:3, 1:3].mean(axis=(2, 3))
    assert np.unravel_index(answers.argmax(), answers.shape) == (scale, direction)
    # Half of its amplitude, as the filters pass one of its two frequencies.
    assert answers.max() == pytest.approx(0.5, rel=0.1)


def test_agrees_with_filtering_the_whole_image() -> None:
    square = even_contrast(camera()[::4, ::4])
    wide = np.pad(square, 16, mode="symmetric").astype(float)
    spectrum = np.fft.fft2(wide)
    frequencies = np.fft.fftfreq(160)
    radius = np.hypot(frequencies[:, None], frequencies[None])
    angle = np.arctan2(frequencies[:, None], frequencies[None])
    found = amplitudes(square)
    for scale, direction in np.ndindex(_SCALES, _DIRECTIONS):
        turned = np.angle(np.exp(1j * (angle - direction * math.pi / _DIRECTIONS)))
        weight = np.exp(-3.5 * (radius / (_FINEST / 2**scale) - 1) ** 2 - 2 * math.pi * turned**2)
        answer = np.abs(np.fft.ifft2(spectrum * weight))[16:-16, 16:-16]
        expected = answer.reshape(4, 32, 4, 32).mean(axis=(1, 3))
        # Only the parts of the spectrum around the centers were looked at.
        np.testing.assert_allclose(found[scale, direction], expected, atol=0.01 * expected.max())


def test_contrast_is_that_of_the_surroundings() -> None:
    gray = camera()[::4, ::4]
    light = np.log1p(gray.astype(float))
    detail = light - gaussian_filter(light, 4, mode="reflect", radius=16)
    spread = np.sqrt(gaussian_filter(detail**2, 4, mode="reflect", radius=16))
    np.testing.assert_allclose(even_contrast(gray), detail / (0.05 + spread), atol=1e-3)


@pytest.mark.parametrize("level", range(0, 256, 15))
def test_a_flat_image_gives_zeros(level: int) -> None:
    assert not Gist().describe(np.full((50, 80, 3), level, np.uint8)).any()


def test_exposure_matters_little_and_turning_much() -> None:
    def describe(gray: np.ndarray) -> np.ndarray:
        return Gist().describe(gray[..., None].repeat(3, 2)).astype(int)

    gray = camera()[::4, ::4]
    row, darker, turned = describe(gray), describe(gray // 2), describe(np.rot90(gray))
    assert 4 * np.abs(row - darker).sum() < np.abs(row - turned).sum()


def test_a_quarter_turn_turns_directions_and_cells() -> None:
    square = even_contrast(camera()[::4, ::4])
    answers = amplitudes(square)
    turned = amplitudes(np.ascontiguousarray(np.rot90(square)))
    expected = np.rot90(np.roll(answers, _DIRECTIONS // 2, axis=1), axes=(2, 3))
    np.testing.assert_allclose(turned, expected, atol=0.01 * expected.max())


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (2, 3, 3), (128, 128, 3)])
def test_any_shape_is_described(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    assert len(Gist().describe(image)) == Gist().dimension == 512
