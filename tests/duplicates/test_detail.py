"""Real detail and compression, of copies of photographs."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from cbir.duplicates.detail import ImageDetail, measure
from cbir.duplicates.preference import RelativeGeometry
from cbir.duplicates.preference import compare_quality as compare_as
from cbir.images.encoded_image import EncodedImage
from tests.edits import photo

NAMES = ("cats/cat-1", "things/coffee-1", "buildings/pagoda-1")


def encoded(image: Image.Image, quality: int | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    if quality is None:
        image.save(file, "PNG")
    else:
        image.save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def detail(data: bytes) -> ImageDetail:
    return measure(EncodedImage("an image", data))


def compare_quality(
    first: ImageDetail, second: ImageDetail, scale: float = 1.0, same_grid: bool = True
) -> int:
    """Compare two images; a pixel of the first is `scale` pixels of the second."""
    found = compare_as(first, second, RelativeGeometry(1 / scale, same_grid and scale == 1))
    assert compare_as(second, first, RelativeGeometry(scale, same_grid and scale == 1)) == -found
    return found


def scaled(image: Image.Image, scale: float) -> Image.Image:
    size = round(image.width * scale), round(image.height * scale)
    return image.resize(size, Image.Resampling.BICUBIC)


@pytest.fixture(scope="module", params=NAMES)
def original(request: pytest.FixtureRequest) -> Image.Image:
    return photo(request.param)


@pytest.mark.parametrize("scale", [1.5, 2, 4])
def test_an_enlargement_of_quality_20_loses(original: Image.Image, scale: float) -> None:
    large = detail(encoded(scaled(original, scale), 20))
    assert compare_quality(detail(encoded(original)), large, scale) < 0
    assert compare_quality(detail(encoded(original, 85)), large, scale) < 0


@pytest.mark.parametrize("scale", [0.75, 0.5, 0.25, 0.15, 0.12, 0.08, 0.05])
def test_an_original_wins_against_its_reductions(original: Image.Image, scale: float) -> None:
    for small in (encoded(scaled(original, scale)), encoded(scaled(original, scale), 90)):
        assert compare_quality(detail(encoded(original, 85)), detail(small), scale) < 0


@pytest.mark.parametrize("scale", [0.5, 0.15, 0.05])
def test_an_original_wins_against_what_was_picked_out_of_its_pixels(
    original: Image.Image, scale: float
) -> None:
    """Reduced without smoothing, an image has edges that look like detail."""
    size = round(original.width * scale), round(original.height * scale)
    small = original.resize(size, Image.Resampling.NEAREST)
    assert compare_quality(detail(encoded(original, 85)), detail(encoded(small, 50)), scale) < 0


@pytest.mark.parametrize("quality", [20, 50, 75])
def test_what_was_compressed_more_loses(original: Image.Image, quality: int) -> None:
    assert compare_quality(detail(encoded(original, 95)), detail(encoded(original, quality))) < 0
    assert compare_quality(detail(encoded(original)), detail(encoded(original, quality))) < 0


def test_a_copy_is_no_better_for_being_saved_without_loss(original: Image.Image) -> None:
    lossy = encoded(original, 50)
    decoded = Image.fromarray(EncodedImage("an image", lossy).pixels())
    assert compare_quality(detail(lossy), detail(encoded(decoded))) == 0
    assert compare_quality(detail(lossy), detail(encoded(decoded, 95))) <= 0


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "sharpened": lambda image: image.filter(ImageFilter.UnsharpMask(2, 100, 0)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
    "gray": lambda image: image.convert("L"),
    "noisy": lambda image: Image.fromarray(
        (np.asarray(image) + np.random.default_rng(0).normal(0, 6, (image.height, image.width, 1)))
        .clip(0, 255).astype(np.uint8)
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_no_edit_is_better_than_what_it_was_made_of(original: Image.Image, edit: str) -> None:
    assert (
        compare_quality(detail(encoded(original, 90)), detail(encoded(EDITS[edit](original), 90)))
        <= 0
    )


def test_where_pixels_moved_only_a_great_difference_of_compression_counts(
    original: Image.Image,
) -> None:
    """A turned image shows no traces of what its original went through."""
    turned = original.rotate(5, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    worse, better = detail(encoded(original, 70)), detail(encoded(turned, 90))
    assert compare_quality(worse, better, same_grid=False) == 0
    assert (
        compare_quality(detail(encoded(original)), detail(encoded(turned, 30)), same_grid=False) < 0
    )


def test_an_image_saved_again_at_about_the_same_quality_is_no_better(
    original: Image.Image,
) -> None:
    decoded = Image.fromarray(EncodedImage("an image", encoded(original, 72)).pixels())
    for quality in (70, 75, 78, 85):
        assert (
            compare_quality(detail(encoded(original, 72)), detail(encoded(decoded, quality))) <= 0
        )


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (9, 9), (70, 65), (64, 64)])
def test_small_and_blank_images_are_measured(size: tuple[int, int]) -> None:
    blank = detail(encoded(Image.new("RGB", size, "white")))
    some = detail(encoded(photo("cats/cat-1").resize(size)))
    for one in (blank, some):
        assert (
            0 <= one.bandwidth <= 1 and one.coarseness >= 0 and np.isfinite(one.power.spectra).all()
        )
    assert compare_quality(blank, some) == -compare_quality(some, blank)


def test_the_blocks_of_a_turned_image_are_found() -> None:
    """Its last block, that is not whole, stands first when it is upright."""
    image = photo("cats/cat-1").resize((301, 203))
    plain = detail(encoded(image, 40))
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = EncodedImage("an image", encoded(image, 40, exif=exif))
        assert turned.header.orientation == orientation
        assert detail(turned.data).power.blocks == pytest.approx(plain.power.blocks, rel=0.25)


def test_a_photograph_with_a_palette_loses_and_a_drawing_with_one_wins() -> None:
    image = photo("cats/cat-1")
    for reduced in (image.quantize(128), image.quantize(64, dither=Image.Dither.NONE)):
        assert compare_quality(detail(encoded(image, 75)), detail(encoded(reduced))) < 0
    drawing = Image.new("RGB", (400, 300), "white")
    pen = ImageDraw.Draw(drawing)
    for row in range(12):
        pen.text((10, 24 * row), f"line {row} of a form: {row * 37} items", fill="navy")
    assert compare_quality(detail(encoded(drawing)), detail(encoded(drawing, 75))) < 0
