"""Small images for pages: made once, and kept by the content of the file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from enum import IntEnum

from PIL import Image

from cbir.core import stderr_capture
from cbir.core.threads import one_thread_each
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import fit
from cbir.web.blob_cache import BlobCache


class Size(IntEnum):
    """The longest side of a thumbnail, in pixels."""

    GRID = 320
    ALONE = 1280


MEDIA_TYPE = "image/jpeg"

_QUALITY = 82


class Thumbnails:
    """Makes and keeps the thumbnails of images.

    Parameters
    ----------
    cache : BlobCache
    """

    def __init__(self, cache: BlobCache) -> None:
        self._cache = cache

    def of(self, sha256: bytes, size: int, open_image: Callable[[], EncodedImage]) -> bytes:
        """Return the thumbnail of an image, as JPEG.

        Parameters
        ----------
        sha256 : bytes
            Of the file that the image is supposed to be.
        size : int
            The longest side at most, in pixels; an image is never enlarged.
        open_image : callable
            Returns the image, if it is not known yet. Where it is another one than was supposed,
            its thumbnail is not kept.

        Raises
        ------
        UnreadableImageError
            When it cannot be decoded.
        """
        key = f"{sha256.hex()}-{size}"
        found = self._cache.find(key)
        if found is None:
            image = open_image()
            found = thumbnail_of(image, size)
            if hashlib.sha256(image.data).digest() == sha256:
                self._cache.put(key, found)
        return found


def thumbnail_of(image: EncodedImage, size: int) -> bytes:
    """Return an image as a small JPEG.

    Parameters
    ----------
    image : EncodedImage
    size : int
        The longest side at most, in pixels; an image is never enlarged.

    Raises
    ------
    UnreadableImageError
        When it cannot be decoded.
    """
    with stderr_capture.capture(), one_thread_each():
        pixels = fit(image.pixels(size), size)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY, optimize=False)
    return file.getvalue()
