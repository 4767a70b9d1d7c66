"""Looking at images: what is kept is used, what has changed is told."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cbir.core.errors import UnreadableImageError
from cbir.core.lru_cache import LruCache
from cbir.duplicates.image_content import EXTRACTOR, HASH, ContentCache
from cbir.images.encoded_image import EncodedImage
from tests.duplicates.helpers import save, seen, unknown
from tests.edits import photo


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    return save(photo("cats/cat-1"), tmp_path / "cat.png")


def test_a_content_is_what_an_index_would_say(cat: Path) -> None:
    _, content = seen(cat)
    row = HASH.describe(EncodedImage.open(str(cat)).pixels(HASH.working_size))
    assert content.sha256 == hashlib.sha256(cat.read_bytes()).digest()
    assert (content.width, content.height) == photo("cats/cat-1").size
    assert np.array_equal(content.bits, row[:-1]) and content.quality == row[-1]
    assert not content.textureless


def test_pixels_are_read_once(cat: Path) -> None:
    cache, content = seen(cat)
    gray = cache.gray(content)
    assert gray.shape == photo("cats/cat-1").size[::-1]
    features, digest = cache.features(content), cache.pixels_digest(content)
    cat.unlink()
    assert cache.gray(content) is gray and cache.pixels_digest(content) == digest
    assert cache.features(content) is features


def test_features_that_are_kept_are_not_extracted_again(cat: Path) -> None:
    _, content = seen(cat)
    kept = EXTRACTOR.extract(np.asarray(photo("things/coffee-1")))
    cache = ContentCache({content.sha256: kept}.get)
    cache.load(str(cat), with_features=True)
    assert cache.features(content) is kept


def test_that_an_image_has_no_features_can_be_known_too(tmp_path: Path) -> None:
    """Nothing need be read again of an image that is known to have none."""
    flat = save(Image.new("RGB", (90, 60), "gray"), tmp_path / "flat.png")
    _, content = seen(flat)
    none = EXTRACTOR.extract(np.zeros((60, 90, 3), np.uint8))
    flat.unlink()
    assert (
        content.textureless and ContentCache({content.sha256: none}.get).features(content) is none
    )


@pytest.mark.parametrize("look", ["gray", "pixels_digest", "features"])
def test_what_has_changed_or_gone_is_told(cat: Path, look: str) -> None:
    _, content = seen(cat)
    save(photo("cats/cat-2"), cat)
    with pytest.raises(UnreadableImageError, match="changed since it was indexed"):
        getattr(ContentCache(unknown), look)(content)
    cat.unlink()
    with pytest.raises(UnreadableImageError, match="no such file"):
        getattr(ContentCache(unknown), look)(content)


def test_equal_pixels_have_equal_digests_whatever_the_format(cat: Path, tmp_path: Path) -> None:
    same = save(photo("cats/cat-1"), tmp_path / "cat.bmp")
    pixels = np.array(photo("cats/cat-1"))
    pixels[-1, -1, 2] ^= 1
    other = save(pixels, tmp_path / "other.png")
    digests = [cache.pixels_digest(content) for cache, content in map(seen, (cat, same, other))]
    assert digests[0] == digests[1] != digests[2]


def test_the_shape_counts_among_the_pixels(tmp_path: Path) -> None:
    flat = [
        save(Image.new("RGB", size, "gray"), tmp_path / f"{size}.png") for size in ((6, 4), (4, 6))
    ]
    one, other = (cache.pixels_digest(content) for cache, content in map(seen, flat))
    assert one != other


def test_the_values_used_last_are_remembered() -> None:
    made: list[bytes] = []
    recent = LruCache[int](2)

    def get(key: bytes) -> int:
        return recent.get(key, lambda: made.append(key) or len(made))  # type: ignore[func-returns-value]

    assert [get(key) for key in (b"a", b"b", b"a", b"c", b"a", b"b")] == [1, 2, 1, 3, 1, 4]
    assert made == [b"a", b"b", b"c", b"b"]


def test_threads_that_make_values_do_not_wait_for_each_other() -> None:
    recent, barrier = LruCache[int](9), threading.Barrier(3, timeout=20)
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: recent.get(b"key", barrier.wait), range(3)))
    assert sorted(made) == [0, 1, 2] and recent.get(b"key", lambda: -1) in made


def test_a_value_that_cannot_be_made_is_tried_again() -> None:
    recent = LruCache[int](2)
    with pytest.raises(UnreadableImageError):
        recent.get(b"a", lambda: (_ for _ in ()).throw(UnreadableImageError("a", "gone")))
    assert recent.get(b"a", lambda: 7) == 7
