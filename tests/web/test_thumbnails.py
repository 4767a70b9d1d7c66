"""Small images: made once for each content, and never of another one."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cbir.core.errors import UnreadableImageError
from cbir.images.encoded_image import EncodedImage
from cbir.web.blob_cache import BlobCache
from cbir.web.thumbnails import Size, Thumbnails, thumbnail_of
from tests.conftest import DATA

PHOTO = DATA / "cats/cat-1.jpg"


def saved(image: Image.Image, format_: str, **options: object) -> EncodedImage:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)  # type: ignore[arg-type]
    return EncodedImage("it", buffer.getvalue())


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    assert image.format == "JPEG"
    return image


@pytest.mark.parametrize("size", Size)
@pytest.mark.parametrize("shape", [(640, 427), (427, 640), (3000, 20), (10, 7), (1, 1)])
def test_it_keeps_proportions_and_is_never_enlarged(size: int, shape: tuple[int, int]) -> None:
    small = opened(thumbnail_of(saved(Image.new("RGB", shape, "teal"), "PNG"), size))
    scale = min(1, size / max(shape))
    assert max(small.size) <= size
    assert all(abs(a - max(1, b * scale)) <= 1 for a, b in zip(small.size, shape, strict=True))


def test_it_shows_what_pillow_shows() -> None:
    small = opened(thumbnail_of(EncodedImage.open(PHOTO), 320))
    with Image.open(PHOTO) as image:
        expected = image.convert("RGB").resize(small.size, Image.Resampling.BOX)
    difference = np.abs(np.asarray(small, float) - np.asarray(expected, float))
    assert difference.mean() < 7


def test_it_is_upright_and_on_white_and_says_nothing_of_the_camera() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "where I live"
    turned = thumbnail_of(saved(Image.new("RGB", (60, 40), "teal"), "JPEG", exif=exif), 320)
    assert opened(turned).size == (40, 60) and b"where I live" not in turned
    clear = opened(thumbnail_of(saved(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "PNG"), 320))
    assert np.asarray(clear).min() > 250


def test_it_is_made_once(tmp_path: Path) -> None:
    data = PHOTO.read_bytes()
    asked: list[int] = []

    def open_image() -> EncodedImage:
        asked.append(1)
        return EncodedImage("it", data)

    digest = hashlib.sha256(data).digest()
    cache = BlobCache([tmp_path], "x.sqlite", 1_000_000)
    first = Thumbnails(cache).of(digest, 320, open_image)
    assert Thumbnails(cache).of(digest, 320, open_image) == first and len(asked) == 1
    assert opened(Thumbnails(cache).of(digest, 1280, open_image)).size != opened(first).size
    cache.close()


def test_what_is_another_image_than_was_supposed_is_not_kept(tmp_path: Path) -> None:
    cache = BlobCache([tmp_path], "x.sqlite", 1_000_000)
    digest = hashlib.sha256(b"another").digest()
    Thumbnails(cache).of(digest, 320, lambda: EncodedImage.open(PHOTO))
    assert cache.find(f"{digest.hex()}-320") is None
    with pytest.raises(UnreadableImageError):
        Thumbnails(cache).of(digest, 320, lambda: EncodedImage("it", b"no image"))
    cache.close()
