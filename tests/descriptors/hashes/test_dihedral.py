"""Hashes of rotated and mirrored images, against rotating and mirroring them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy.fft import dctn, idctn

from cbir.descriptors.hashes import dihedral as module
from cbir.descriptors.hashes.dihedral import ORIENTATIONS, orientations
from cbir.descriptors.hashes.pdq import Pdq
from cbir.descriptors.hashes.perceptual import PerceptualHash
from cbir.images.encoded_image import EncodedImage
from cbir.search.metrics import hamming
from tests.conftest import DATA
from tests.edits import turned

HASHES = arrays(np.uint8, st.tuples(st.integers(0, 5), st.sampled_from([8, 32])))


def all_turned(pixels: np.ndarray) -> list[np.ndarray]:
    """An image in all orientations, by Pillow."""
    return [np.asarray(turned(Image.fromarray(pixels), number)) for number in range(8)]


def test_the_names_are_true() -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    by_name = dict(zip(ORIENTATIONS, all_turned(pixels), strict=True))
    assert np.array_equal(by_name["rotated by 90°"], np.rot90(pixels, -1))
    assert np.array_equal(by_name["rotated by 270°"], np.rot90(pixels))
    assert np.array_equal(by_name["mirrored left to right"], pixels[:, ::-1])
    assert np.array_equal(by_name["transposed"], pixels.T)
    assert len({image.tobytes() + bytes(image.shape) for image in by_name.values()}) == 8


def test_the_order_is_that_of_exif() -> None:
    """Pillow's own table of what turns orientations upright."""
    from PIL import ImageOps

    pixels = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    for number in range(8):
        stored = turned(pixels, number)
        stored.getexif()[0x0112] = number + 1
        assert np.array_equal(np.asarray(ImageOps.exif_transpose(stored)), np.asarray(pixels))


def test_signs_of_frequencies_are_derived_exactly() -> None:
    rng = np.random.default_rng(2)
    spectrum = np.zeros((64, 64))
    spectrum[:16, :16] = rng.normal(size=(16, 16))
    pixels = idctn(spectrum, norm="ortho").astype(np.float32)
    expected = [dctn(image, norm="ortho")[:16, :16] > 0 for image in all_turned(pixels)]
    derived = orientations(np.packbits(expected[0])[None])[0]
    assert np.array_equal(np.unpackbits(derived, axis=1).reshape(8, 16, 16), np.array(expected))


@pytest.mark.parametrize(("descriptor", "limit"), [(PerceptualHash(), 24), (Pdq(), 44)])
@pytest.mark.parametrize("name", ["cats/cat-1.jpg", "windmills/windmill-1.jpg"])
def test_derived_hashes_are_near_those_of_the_turned_images(
    name: str, descriptor: PerceptualHash | Pdq, limit: int
) -> None:
    pixels = EncodedImage.open(str(DATA / name)).pixels(512)
    true = np.stack([descriptor.describe(image)[:-1] for image in all_turned(pixels)])
    derived = orientations(true[:1])[0]
    assert np.array_equal(derived[0], true[0])
    for one, other in zip(derived, true, strict=True):
        assert hamming(one, other[None])[0] <= limit
    # And far from those of other orientations.
    assert hamming(derived[5], true[[0, 1, 2, 3, 4, 6, 7]]).min() > 60


@given(hashes=HASHES)
def test_every_orientation_is_undone_by_another(hashes: np.ndarray) -> None:
    derived = orientations(hashes)
    assert derived.shape == (len(hashes), 8, hashes.shape[1])
    for place, inverse in enumerate([0, 1, 2, 3, 4, 7, 6, 5]):
        back = orientations(np.ascontiguousarray(derived[:, place]))[:, inverse]
        assert np.array_equal(back, hashes)


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = np.random.default_rng(0).integers(0, 256, (50, 32), np.uint8)
    expected = orientations(hashes)
    monkeypatch.setattr(module, "_BLOCK", 7)
    assert np.array_equal(orientations(hashes), expected)
