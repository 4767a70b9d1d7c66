"""Hashes: known answers, and what they should and should not mind."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy.fft import dctn

from cbir.descriptors.base import HIGHEST_QUALITY
from cbir.descriptors.describe import describe
from cbir.descriptors.hashes.perceptual import AverageHash, DifferenceHash, Hash, PerceptualHash
from cbir.descriptors.registry import parse
from cbir.images.encoded_image import EncodedImage
from cbir.search.metrics import hamming
from tests.conftest import DATA

SPECS = (
    "phash", "phash:bits=64", "pdq", "dhash", "dhash:bits=256", "ahash", "whash", "colorhash",
)  # fmt: skip

# The hashes and their qualities are part of the index format: a change of one of these values is a
# change of its descriptor's version. All but pdq's and colorhash's bits are what ImageHash 4.3
# gives for the files, with hash_size=16 for 256 bits.
STABLE = {
    "cats/cat-1.jpg": {
        "phash": ("8faa1eae78ddd9513929c6b58c96f30207827cab95ce7ed591506f1bf02c01a3", 92),
        "phash:bits=64": ("8f1a78d939c68ce2", 100),
        "pdq": ("303262c15a076c7b874495bff1d47a9f21f0a067b49856b1ca4e454d5d8fbbac", 100),
        "dhash": ("195165665a73c393", 90),
        "dhash:bits=256": ("0b836b8363671335383738133c193d89b5c5348d368e3d363936e1cd450f578f", 89),
        "ahash": ("8c3c373bbb3b7181", 88),
        "whash": ("8c1c373bbb3b7101", 93),
        "colorhash": ("00f0fe0000000000000000000000", 88),
    },
    "desert/orange-dune-1.jpg": {
        "phash": ("c212a5f5552d5aca29d3652cd2a76a551d4e95a96a95e152b52a0aa59b55f5da", 83),
        "phash:bits=64": ("c2a5555a2b65d66a", 92),
        "pdq": ("7aabadd3556c52a8aa562541d4ab8ad4295cc52b62a51a53e5caa9adda5557d2", 79),
        "dhash": ("fcf1cfc7e9f1c080", 84),
        "dhash:bits=256": ("fd28fe50fcc0fb0cf67fe8ffb13e331dfc26f8e3f191e6c4fc0ff802e081c603", 72),
        "ahash": ("ffffffe709000000", 92),
        "whash": ("ffffffef01000000", 90),
        "colorhash": ("00e0000000000000fe0000000000", 92),
    },
    "windmills/windmill-1.jpg": {
        "phash": ("9b326c891399bc76478eb0e34e0cc3b93ce7178f22cc5e31a1c7dd8e34795360", 90),
        "phash:bits=64": ("9b6c13bc47b04ec3", 92),
        "pdq": ("ce7983654f1638cdc1c2c63d99e278f4639e8ee13839638638f1b71eccc4c899", 100),
        "dhash": ("1012008c6b2898c9", 91),
        "dhash:bits=256": ("8080010081a035a001a0e88808e012b4249f0cd04cd04ed0e6d4e1ca39aa18cb", 83),
        "ahash": ("0000e0d7ffdf4f00", 95),
        "whash": ("0008e8d7ffdfcf00", 87),
        "colorhash": ("0080000000800000000000f00000", 96),
    },
}


def hash_and_quality(path: Path, spec: str) -> tuple[str, int]:
    row = describe(path, spec)
    return row[:-1].tobytes().hex(), int(row[-1])


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("name", STABLE)
def test_the_values_are_stable(name: str, spec: str) -> None:
    assert hash_and_quality(DATA / name, spec) == STABLE[name][spec]


@pytest.mark.parametrize(
    ("spec", "function", "size"),
    [
        ("phash", "phash", 16),
        ("phash:bits=64", "phash", 8),
        ("dhash", "dhash", 8),
        ("dhash:bits=256", "dhash", 16),
        ("ahash", "average_hash", 8),
        ("whash", "whash", 8),
    ],
)
def test_the_bits_are_those_of_imagehash(
    spec: str, function: str, size: int, photos: Path, noise: np.ndarray
) -> None:
    imagehash = pytest.importorskip("imagehash")
    descriptor = parse(spec).descriptor
    images = [EncodedImage.open(str(path)).pixels(512) for path in sorted(photos.rglob("*.jpg"))]
    for pixels in [*images, noise, noise[:, :9]]:
        expected = getattr(imagehash, function)(Image.fromarray(pixels), size)
        assert descriptor.describe(pixels)[:-1].tobytes().hex() == str(expected)


def test_the_bits_are_the_low_frequencies_above_their_median(noise: np.ndarray) -> None:
    small = Image.fromarray(noise).convert("L").resize((64, 64), Image.Resampling.LANCZOS)
    low = dctn(np.asarray(small, float))[:16, :16]
    bits = np.unpackbits(PerceptualHash().describe(noise)[:-1]).reshape(16, 16)
    assert np.array_equal(bits, low > np.median(low))
    assert bits.sum() == 128


def test_equal_blocks_give_equal_bits_of_the_wavelet_hash() -> None:
    """On a white ground, where rounding errors would decide."""
    white = np.full((160, 200, 3), 255, np.uint8)
    white[60:100, 80:130] = (90, 30, 20)
    bits = np.unpackbits(parse("whash").descriptor.describe(white)[:-1])
    assert not bits.any()


def copy_of(image: Image.Image, quality: int) -> EncodedImage:
    buffer = io.BytesIO()
    image.resize((image.width // 2, image.height // 2)).save(buffer, "JPEG", quality=quality)
    return EncodedImage("copy", buffer.getvalue())


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec != "colorhash"])
def test_recompression_and_scaling_change_few_bits_and_another_image_half(spec: str) -> None:
    descriptor = parse(spec).descriptor
    original, copy, other = (
        descriptor.describe(image.pixels(descriptor.working_size))[:-1]
        for image in (
            EncodedImage.open(str(DATA / "windmills" / "windmill-1.jpg")),
            copy_of(Image.open(DATA / "windmills" / "windmill-1.jpg"), 40),
            EncodedImage.open(str(DATA / "cats" / "cat-1.jpg")),
        )
    )
    near, far = hamming(original, np.array([copy, other]))
    # PDQ samples its image, and is said to differ in up to 31 of 256 bits.
    assert near <= descriptor.dimension * (0.12 if spec == "pdq" else 0.06)
    assert descriptor.dimension * 0.3 < far < descriptor.dimension * 0.7


def blank(kind: str) -> np.ndarray:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:240, 0:320] / 320
    value: Any = {
        "black": np.zeros(3),
        "white with noise": 255 + rng.normal(0, 3, (240, 320, 3)),
        "red with noise": np.array([200, 60, 40]) + rng.normal(0, 4, (240, 320, 3)),
        "sky": np.array([60, 110, 200]) + np.array([80, 60, 30]) * y[..., None],
        "vignette": 200 - 150 * ((x - 0.5) ** 2 + (y - 0.4) ** 2)[..., None],
    }[kind]
    return np.clip(np.broadcast_to(value, (240, 320, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["black", "white with noise", "red with noise", "sky", "vignette"])
@pytest.mark.parametrize("spec", SPECS)
def test_the_quality_of_a_blank_image_is_low(spec: str, kind: str) -> None:
    descriptor = parse(spec).descriptor
    image = blank(kind)
    recompressed = copy_of(Image.fromarray(image), 30).pixels()
    for pixels in (image, recompressed):
        assert descriptor.describe(pixels)[-1] < descriptor.least_quality


@pytest.mark.parametrize("spec", SPECS)
def test_the_quality_of_photographs_and_of_things_on_white_is_high(spec: str, photos: Path) -> None:
    descriptor = parse(spec).descriptor
    thing = np.full((300, 240, 3), 255, np.uint8)
    thing[120:200, 60:150] = (40, 20, 90)
    images = [EncodedImage.open(str(path)).pixels(512) for path in photos.rglob("*.jpg")]
    for pixels in [thing, *images]:
        quality = descriptor.describe(pixels)[-1]
        assert descriptor.least_quality < quality <= HIGHEST_QUALITY


def test_the_quality_falls_with_the_contrast() -> None:
    image = EncodedImage.open(str(DATA / "cats" / "cat-1.jpg")).pixels(512).astype(float)
    for descriptor in (PerceptualHash(), DifferenceHash(), AverageHash()):
        qualities = [
            int(descriptor.describe((128 + (image - 128) * contrast).astype(np.uint8))[-1])
            for contrast in (1, 0.3, 0.1, 0.03, 0)
        ]
        assert qualities == sorted(qualities, reverse=True) and qualities[-1] == 0


IMAGES = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(77)
)


@given(image=IMAGES)
@pytest.mark.parametrize("spec", SPECS)
def test_any_image_has_a_hash(spec: str, image: np.ndarray) -> None:
    descriptor = parse(spec).descriptor
    assert isinstance(descriptor, Hash)
    row = descriptor.describe(image)
    assert row.shape == (descriptor.width,) == (descriptor.dimension // 8 + 1,)
    assert row.dtype == np.uint8 and row[-1] <= HIGHEST_QUALITY
    assert np.array_equal(descriptor.describe(image), row)


def test_long_images_have_hashes() -> None:
    for spec in SPECS:
        assert parse(spec).descriptor.describe(np.zeros((3, 900, 3), np.uint8)) is not None
