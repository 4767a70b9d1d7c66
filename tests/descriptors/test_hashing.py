"""Hashes: known answers, and what they should not mind."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from cbir.describing import describe
from cbir.descriptors.hashing import PerceptualHash
from cbir.images import Picture
from cbir.metrics import hamming

from ..conftest import DATA

# What ImageHash 4.3 gives for these files, as phash(image) and phash(image, hash_size=16). They
# are part of the index format: other values would be another version of the descriptor.
KNOWN = {
    "cats/cat-1.jpg": (
        "8f1a78d939c68ce2",
        "8faa1eae78ddd9513929c6b58c96f30207827cab95ce7ed591506f1bf02c01a3",
    ),
    "desert/orange-dune-1.jpg": (
        "c2a5555a2b65d66a",
        "c212a5f5552d5aca29d3652cd2a76a551d4e95a96a95e152b52a0aa59b55f5da",
    ),
    "windmills/windmill-1.jpg": (
        "9b6c13bc47b04ec3",
        "9b326c891399bc76478eb0e34e0cc3b93ce7178f22cc5e31a1c7dd8e34795360",
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_hashes_are_those_of_imagehash(name: str) -> None:
    short, long = KNOWN[name]
    assert describe(DATA / name, "phash:bits=64").tobytes().hex() == short
    assert describe(DATA / name, "phash").tobytes().hex() == long


def test_the_bits_are_the_low_frequencies_above_their_median(noise: np.ndarray) -> None:
    small = Image.fromarray(noise).convert("L").resize((64, 64), Image.Resampling.LANCZOS)
    low = dctn(np.asarray(small, float))[:16, :16]
    bits = np.unpackbits(PerceptualHash().describe(noise)).reshape(16, 16)
    assert np.array_equal(bits, low > np.median(low))
    assert bits.sum() == 128


@pytest.mark.parametrize("bits", [64, 256])
def test_recompression_and_scaling_change_few_bits_and_another_picture_half(bits: int) -> None:
    descriptor = PerceptualHash(bits=bits)
    image = Image.open(DATA / "windmills" / "windmill-1.jpg")
    buffer = io.BytesIO()
    image.resize((image.width // 2, image.height // 2)).save(buffer, "JPEG", quality=40)
    original, copy, other = (
        descriptor.describe(picture.pixels(descriptor.working_size))
        for picture in (
            Picture.open(str(DATA / "windmills" / "windmill-1.jpg")),
            Picture("copy", buffer.getvalue()),
            Picture.open(str(DATA / "cats" / "cat-1.jpg")),
        )
    )
    near, far = hamming(original, np.array([copy, other]))
    assert near <= bits * 0.06
    assert bits * 0.3 < far < bits * 0.7


def test_any_picture_has_a_hash() -> None:
    for shape in [(1, 1, 3), (3, 900, 3), (64, 64, 3)]:
        assert PerceptualHash().describe(np.zeros(shape, np.uint8)).shape == (32,)
