"""A region of an open image is as the image would be, cut before."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from cbir.core.errors import UsageError
from cbir.images.encoded_image import EncodedImage
from cbir.images.image_source import ArrayImage
from cbir.images.pixels import WORKING_SIZES, fitted_size
from cbir.images.region import PixelRegion
from cbir.images.region_of_image import RegionOfImage, region_of
from tests.conftest import DATA

PHOTO = DATA / "cats" / "cat-1.jpg"


@pytest.fixture(scope="module")
def large() -> Image.Image:
    """A photograph that a JPEG's own reductions make sense for."""
    with Image.open(PHOTO) as photo:
        return photo.convert("RGB").resize((1501, 1103), Image.Resampling.LANCZOS)


def as_file(image: Image.Image, format_: str, orientation: int = 1) -> EncodedImage:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, format_, exif=exif, **({"quality": 92} if format_ == "JPEG" else {}))
    return EncodedImage("test", buffer.getvalue())


def upright_pixels(image: EncodedImage) -> np.ndarray:
    with Image.open(io.BytesIO(image.data)) as opened:
        return np.asarray(ImageOps.exif_transpose(opened))


def drawn(data: st.DataObject, width: int, height: int) -> PixelRegion:
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    return PixelRegion(
        x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y))
    )


def cut(pixels: np.ndarray, region: PixelRegion) -> np.ndarray:
    return pixels[region.y : region.y + region.height, region.x : region.x + region.width]


@given(st.sampled_from(["PNG", "JPEG"]), st.integers(1, 8), st.data())
def test_at_full_size_it_has_the_very_pixels(
    format_: str, orientation: int, data: st.DataObject
) -> None:
    with Image.open(PHOTO) as photo:
        image = as_file(photo.resize((91, 67)), format_, orientation)
    pixels = upright_pixels(image)
    region = drawn(data, *image.dimensions)
    part = region_of(image, region)
    assert part.dimensions == (region.width, region.height) and part.path == "test"
    assert np.array_equal(part.pixels(), cut(pixels, region))
    assert part.pixels().flags.c_contiguous
    again = region_of(ArrayImage(pixels), region)
    assert np.array_equal(again.pixels(), cut(pixels, region))


@given(st.integers(1, 8), st.sampled_from(WORKING_SIZES), st.data())
def test_without_loss_it_is_at_any_size_as_if_cut_before(
    orientation: int, size: int, data: st.DataObject
) -> None:
    with Image.open(PHOTO) as photo:
        image = as_file(photo.resize((301, 207)), "PNG", orientation)
    region = drawn(data, *image.dimensions)
    expected = ArrayImage(cut(upright_pixels(image), region)).pixels(size)
    assert np.array_equal(region_of(image, region).pixels(size), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_of_a_jpeg_it_is_nearly_as_a_jpeg_of_it_at_any_size(
    large: Image.Image, orientation: int
) -> None:
    image = as_file(large, "JPEG", orientation)
    width, height = image.dimensions
    for region in (
        PixelRegion(0, 0, width - 1, height),
        PixelRegion(width // 3, height // 5, width // 2, height // 2),
        PixelRegion(width - 700, height - 701, 700, 701),
        PixelRegion(7, 9, 130, 131),
    ):
        part = RegionOfImage(image, region)
        other = as_file(Image.fromarray(cut(upright_pixels(image), region)), "JPEG")
        for size in (*WORKING_SIZES, None):
            found, expected = part.pixels(size), other.pixels(size)
            assert found.shape == expected.shape
            assert np.abs(found.astype(int) - expected).mean() < 6


def test_a_thin_region_of_a_jpeg_shows_nothing_beside_it() -> None:
    pixels = np.full((600, 2000, 3), 255, np.uint8)
    pixels[304:307] = 0
    image = as_file(Image.fromarray(pixels), "JPEG")
    for size in (*WORKING_SIZES, None):
        part = RegionOfImage(image, PixelRegion(0, 304, 2000, 3)).pixels(size)
        assert part.shape[:2] == ((3, 2000) if size is None else fitted_size(2000, 3, size)[::-1])
        assert part.mean() < 30


@given(st.sampled_from(WORKING_SIZES), st.data())
def test_the_size_is_that_of_the_region_shrunk_and_never_enlarged(
    size: int, data: st.DataObject
) -> None:
    image = as_file(Image.new("RGB", (777, 1301), "teal"), "JPEG")
    region = drawn(data, *image.dimensions)
    height, width = region_of(image, region).pixels(size).shape[:2]
    assert (width, height) == fitted_size(region.width, region.height, size)


@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
def test_a_region_of_everything_is_the_image(large: Image.Image, format_: str) -> None:
    image = as_file(large, format_)
    everything = PixelRegion(0, 0, *image.dimensions)
    assert region_of(image, everything) is image
    for size in (*WORKING_SIZES, None):
        assert np.array_equal(RegionOfImage(image, everything).pixels(size), image.pixels(size))


def test_a_region_may_lie_in_a_region(noise: np.ndarray) -> None:
    outer = region_of(ArrayImage(noise), PixelRegion(10, 20, 50, 40))
    inner = region_of(outer, PixelRegion(1, 2, 30, 20))
    assert np.array_equal(inner.pixels(), noise[22:42, 11:41])


def test_a_size_that_makes_no_sense_is_refused(noise: np.ndarray) -> None:
    part = region_of(ArrayImage(noise), PixelRegion(0, 0, 5, 5))
    with pytest.raises(UsageError, match="size=0"):
        part.pixels(0)
