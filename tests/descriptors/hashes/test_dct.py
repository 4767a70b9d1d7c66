"""What is decided by compiled loops is what scipy's frequencies decide."""

from __future__ import annotations

from typing import Any, Literal
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbir.core.machine_code import AwaitedLoop
from cbir.descriptors.hashes import dct, lanczos
from cbir.descriptors.hashes.dct import by_frequencies, dct2
from cbir.descriptors.hashes.perceptual import PerceptualHash
from tests.compiled import compiled

LOOPS = (dct._TRANSFORMING, lanczos._GRAY, lanczos._RESAMPLING)


def rows_of(image: np.ndarray, bits: Any) -> tuple[list[int], list[int]]:
    """Describe without what is compiled, and with it."""
    with mock.patch.object(AwaitedLoop, "after", return_value=None):
        expected = PerceptualHash(bits).describe(image)
    runs = {loop: compiled(loop) for loop in LOOPS}
    with mock.patch.object(AwaitedLoop, "after", lambda loop, work: runs[loop]):
        return expected.tolist(), PerceptualHash(bits).describe(image).tolist()


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 200), st.integers(1, 90), st.just(3))),
    st.sampled_from((64, 256)),
)
def test_the_same_hashes_of_any_image(image: np.ndarray, bits: Literal[64, 256]) -> None:
    expected, found = rows_of(image, bits)
    assert found == expected


@pytest.mark.parametrize("bits", [64, 256])
@pytest.mark.parametrize("levels", [1, 2, 256])
def test_the_same_hashes_of_noise_and_of_symmetric_images(bits: Any, levels: int) -> None:
    """Symmetry makes frequencies that are equal, or 0, but for rounding."""
    noise = np.random.default_rng(3).integers(0, levels, (96, 128, 3), np.uint8)
    for image in (noise, np.vstack([noise, noise[::-1]]), np.hstack([noise, noise[:, ::-1]])):
        for scaled in (image, image * (255 // max(1, levels - 1))):
            expected, found = rows_of(scaled, bits)
            assert found == expected


@pytest.mark.parametrize(("side", "lowest"), [(64, 16), (32, 8)])
def test_frequencies_are_near_to_scipys(side: int, lowest: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    with mock.patch.object(AwaitedLoop, "after", return_value=compiled(dct._TRANSFORMING)):
        found = by_frequencies(image, lowest, lambda low: (low.copy(), 1.0))
    np.testing.assert_allclose(found, dct2(image, lowest), rtol=0, atol=dct.DOUBT / 1000)


def test_scipy_decides_what_is_doubtful() -> None:
    image = np.full((32, 32), 9, np.uint8)
    with mock.patch.object(AwaitedLoop, "after", return_value=compiled(dct._TRANSFORMING)):
        found = by_frequencies(image, 8, lambda low: (low.copy(), dct.DOUBT))
    np.testing.assert_array_equal(found, dct2(image, 8))
