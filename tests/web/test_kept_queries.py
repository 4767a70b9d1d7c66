"""Images from outside that are kept for whoever has their key."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cbir.core.errors import UnreadableImageError
from cbir.web.blob_cache import BlobCache
from cbir.web.kept_queries import KeptQueries, QueryGoneError
from tests.conftest import DATA

DATA_OF_ONE = (DATA / "cats/cat-1.jpg").read_bytes()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptQueries]:
    cache = BlobCache([tmp_path], "x.sqlite", 200_000)
    yield KeptQueries(cache, max_pixels=1_000_000)
    cache.close()


def test_what_was_added_is_there_by_the_hash_of_its_bytes(kept: KeptQueries) -> None:
    key = kept.add(DATA_OF_ONE)
    assert key == hashlib.sha256(DATA_OF_ONE).hexdigest()
    assert kept.get(key).data == DATA_OF_ONE


@pytest.mark.parametrize(
    "key", ["", "0" * 64, "0" * 63, "x" * 64, "A" * 64, "../../etc", "0" * 64 + "\n"]
)
def test_no_other_key_leads_to_anything(kept: KeptQueries, key: str) -> None:
    kept.add(DATA_OF_ONE)
    with pytest.raises(QueryGoneError):
        kept.get(key)


def test_what_is_no_image_is_not_kept(kept: KeptQueries) -> None:
    for data in (b"", b"no image", DATA_OF_ONE[:2]):
        with pytest.raises(UnreadableImageError):
            kept.add(data)
        with pytest.raises(QueryGoneError):
            kept.get(hashlib.sha256(data).hexdigest())


def test_what_has_too_many_pixels_is_not_kept(tmp_path: Path) -> None:
    cache = BlobCache([tmp_path], "x.sqlite", 200_000)
    with pytest.raises(UnreadableImageError, match="pixels are too many"):
        KeptQueries(cache, max_pixels=1000).add(DATA_OF_ONE)
    cache.close()


def test_the_oldest_make_room(kept: KeptQueries) -> None:
    keys = [kept.add(DATA_OF_ONE + bytes([number])) for number in range(20)]
    found = 0
    for key in keys:
        with contextlib.suppress(QueryGoneError):
            found += bool(kept.get(key))
    assert 1 <= found < 20
