"""Images from outside that were searched for, kept so that the address of a search leads to it."""

from __future__ import annotations

import hashlib
import re

from cbir.core.errors import CbirError, UnreadableImageError
from cbir.images.encoded_image import EncodedImage
from cbir.web.blob_cache import BlobCache

_KEY = re.compile(r"[0-9a-f]{64}")

UPLOADED = "your image"
"""What messages call an image from outside."""


class QueryGoneError(CbirError):
    """An image from outside that is not kept, or no longer."""


class KeptQueries:
    """Keeps images from outside by the SHA-256 of their bytes, which only who has them knows.

    Parameters
    ----------
    cache : BlobCache
    max_pixels : int
        Pixels that an image may have; found out before it is decoded.
    """

    def __init__(self, cache: BlobCache, max_pixels: int) -> None:
        self._cache = cache
        self._max_pixels = max_pixels

    def add(self, data: bytes) -> str:
        """Keep an image; return its key.

        Raises
        ------
        UnreadableImageError
            When it is no image, or has too many pixels.
        """
        self.checked(data)
        key = hashlib.sha256(data).hexdigest()
        self._cache.put(key, data)
        return key

    def get(self, key: str) -> EncodedImage:
        """Return an image that was kept.

        Raises
        ------
        QueryGoneError
            When it is not there.
        """
        data = self._cache.find(key) if _KEY.fullmatch(key) else None
        if data is None:
            raise QueryGoneError(
                "the image of this search is not kept here any more; search for it again"
            )
        return self.checked(data)

    def checked(self, data: bytes) -> EncodedImage:
        """Return an image from outside, whose header was looked at.

        Raises
        ------
        UnreadableImageError
            When it is no image, or has too many pixels.
        """
        if not data:
            raise UnreadableImageError(UPLOADED, "the file is empty")
        image = EncodedImage(UPLOADED, data)
        header = image.header
        if header.width * header.height > self._max_pixels:
            raise UnreadableImageError(
                UPLOADED,
                f"{header.width:,} × {header.height:,} pixels are too many",
                f"send one of up to {self._max_pixels / 1e6:,.0f} megapixels",
            )
        return image
