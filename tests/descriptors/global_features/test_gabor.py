"""Gabor features: against the formula, point by point, and waves whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.data import camera

from cbir.descriptors.global_features.gabor import Gabor, magnitudes

IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(77)
)


@pytest.mark.parametrize(("place", "frequency"), [(0, 0.4), (1, 0.2), (2, 0.1)])
@pytest.mark.parametrize("direction", range(6))
def test_answers_are_those_of_the_formula(place: int, frequency: float, direction: int) -> None:
    gray = camera()[100:180, 200:280]
    # One octave wide, measured where the filter passes a half.
    deviation = np.sqrt(np.log(2) / 2) / np.pi * 3 / frequency
    y, x = np.mgrid[-40:40, -40:40]
    angle = direction * np.pi / 6
    envelope = np.exp(-(x**2 + y**2) / (2 * deviation**2)) / (2 * np.pi * deviation**2)
    wave = np.exp(2j * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)))
    kernel = envelope * wave
    kernel -= envelope * kernel.sum()
    expected = np.abs((kernel * gray / 255).sum())
    found = magnitudes(gray)[40, 40, place * 6 + direction]
    # The filters end at three deviations.
    assert found == pytest.approx(expected, abs=0.003)


@pytest.mark.parametrize("frequency", [0.4, 0.2, 0.1, 0.05])
@pytest.mark.parametrize("direction", range(6))
def test_a_wave_is_strongest_where_its_frequency_and_direction_are(
    frequency: float, direction: int
) -> None:
    y, x = np.mgrid[:128, :128]
    angle = direction * np.pi / 6
    wave = np.cos(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)))
    image = np.repeat(np.uint8(127 + 120 * wave)[..., None], 3, axis=2)
    rows = Gabor().describe(image).reshape(6, 2, 4, 6)
    strongest = np.unravel_index(rows[0, 0].argmax(), (4, 6))
    assert strongest == ((0.4, 0.2, 0.1, 0.05).index(frequency), direction)


def test_brightness_alone_is_no_texture(noise: np.ndarray) -> None:
    dark = noise // 4
    far = Gabor().describe(dark).astype(int) - Gabor().describe(dark + 150)
    assert np.abs(far).max() <= 1


@given(image=IMAGES)
def test_any_image_has_a_row(image: np.ndarray) -> None:
    row = Gabor().describe(image)
    assert row.shape == (288,) and row.dtype == np.uint8
