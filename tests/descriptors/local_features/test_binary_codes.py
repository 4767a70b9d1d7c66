"""Signatures: signs of cosine and Fourier transforms, by scipy, and what mirroring changes."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.fft import dctn

from cbir.descriptors.local_features.binary_codes import (
    _COMPONENTS,
    BITS,
    LEADING,
    MIRRORING,
    signatures,
)
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.images.encoded_image import EncodedImage
from tests.conftest import DATA

DESCRIPTORS = arrays(np.uint8, st.tuples(st.integers(1, 6), st.just(128)))


@cache
def real_features() -> SiftFeatures:
    return SiftExtractor().extract(EncodedImage.open(str(DATA / "cats" / "cat-1.jpg")).pixels(512))


def components(descriptors: np.ndarray) -> np.ndarray:
    """The components of the bits: the cosine transform over cells, Fourier's over directions."""
    cells = descriptors.reshape(-1, 4, 4, 8).astype(np.float64)
    spectrum = np.fft.fft(dctn(cells, type=2, axes=(1, 2)), axis=3)
    parts = [spectrum[..., 0].real]
    for frequency in (1, 2, 3):
        parts += [spectrum[..., frequency].real, -spectrum[..., frequency].imag]
    parts.append(spectrum[..., 4].real)
    table = np.stack(parts, axis=3)
    return np.stack([table[:, row, column, part] for row, column, part in _COMPONENTS], axis=1)


def bits_of(numbers: np.ndarray) -> np.ndarray:
    return np.unpackbits(numbers.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1).astype(bool)


def mirrored(descriptors: np.ndarray) -> np.ndarray:
    points = np.zeros((len(descriptors), 4), np.float32)
    return SiftFeatures(points, descriptors, 10, 10).mirrored().descriptors


def test_every_component_is_used_once_and_the_mean_never() -> None:
    assert len(set(_COMPONENTS)) == len(_COMPONENTS) == BITS
    assert (0, 0, 0) not in _COMPONENTS


@given(descriptors=DESCRIPTORS)
def test_bits_are_the_signs_of_the_transform(descriptors: np.ndarray) -> None:
    exact = components(descriptors)
    bits, order = signatures(descriptors)
    assert bits.dtype == np.uint64 and bits.shape == (len(descriptors),)
    sure = np.abs(exact) > 0.05
    assert np.array_equal(bits_of(bits)[sure], exact[sure] > 0)
    assert np.array_equal(np.sort(order, axis=1), np.tile(np.arange(LEADING), (len(bits), 1)))


def test_unsure_bits_come_first() -> None:
    descriptors = real_features().descriptors
    # The cosine transform of scipy has a factor of 2 in each direction.
    sizes = np.abs(components(descriptors))[:, :LEADING]
    _, order = signatures(descriptors)
    ranked = np.take_along_axis(sizes, order.astype(np.intp), axis=1)
    assert (np.diff(ranked, axis=1) > -0.05).all()


@given(descriptors=DESCRIPTORS)
def test_mirroring_flips_known_bits(descriptors: np.ndarray) -> None:
    turned = signatures(mirrored(descriptors))[0]
    sure = np.abs(components(descriptors)) > 0.05
    differ = bits_of(turned ^ signatures(descriptors)[0] ^ MIRRORING)
    assert not differ[sure].any()


def test_mirroring_flips_known_bits_of_real_features() -> None:
    features = real_features()
    differ = signatures(features.mirrored().descriptors)[0] ^ signatures(features.descriptors)[0]
    # A component may be 0 to the last digit.
    assert np.bitwise_count(differ ^ MIRRORING).mean() < 0.1


def test_alike_descriptors_have_near_signatures_and_others_have_not() -> None:
    rng = np.random.default_rng(0)
    descriptors = real_features().descriptors
    noise = np.rint(rng.normal(0, 4, descriptors.shape))
    alike = np.clip(descriptors + noise, 0, 255).astype(np.uint8)
    bits = signatures(descriptors)[0]
    near = np.bitwise_count(bits ^ signatures(alike)[0])
    assert np.percentile(near, 90) <= 12
    far = np.bitwise_count(bits[:, None] ^ bits[None])[~np.eye(len(bits), dtype=bool)]
    assert 26 < far.mean() < 33 and (far <= 12).mean() < 0.002


def test_there_may_be_no_descriptor() -> None:
    bits, order = signatures(np.empty((0, 128), np.uint8))
    assert bits.shape == (0,) and order.shape == (0, LEADING)
