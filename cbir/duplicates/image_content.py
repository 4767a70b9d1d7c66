"""The contents that are compared, and what is known of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UnreadableImageError
from cbir.core.lru_cache import LruCache
from cbir.descriptors.hashes.perceptual import PerceptualHash
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import Pixels
from cbir.verification.geometry import Transform, scale_of
from cbir.verification.planes import gray_of

TEXTURELESS = 20
"""Quality of a hash below which an image has too little texture to be compared. Below what
:data:`cbir.descriptors.hashes.perceptual.LEAST_PHASH_QUALITY` advises for hashes alone: here the
pixels are compared as well, and gamma and contrast may take a light image from 37 to 23."""

HASH = PerceptualHash()
"""What is compared at ``near``, and for the eight orientations at ``edited``."""

EXTRACTOR = SiftExtractor()
"""The local features that are compared at ``edited``."""


@dataclass(frozen=True, slots=True)
class Content:
    """A content, however many files have it.

    Attributes
    ----------
    sha256 : bytes
    path : str
        A file that has it.
    width, height : int
        Pixels, upright.
    bits : ndarray of uint8, shape (32,)
        The hash.
    quality : int
        Of the hash.
    """

    sha256: bytes
    path: str
    width: int
    height: int
    bits: NDArray[np.uint8]
    quality: int

    @property
    def textureless(self) -> bool:
        """Whether it has too little texture for its hash to mean something."""
        return self.quality < TEXTURELESS


class ContentCache:
    """What is known of contents, computed or read when it is asked for; the last of it is kept.

    Parameters
    ----------
    features : callable
        ``features(sha256)`` gives a content's local features, or None where they are not kept.
    """

    def __init__(self, features: Callable[[bytes], SiftFeatures | None]) -> None:
        self._features = features
        self._grays: LruCache[NDArray[np.uint8]] = LruCache(256)
        self._extracted: LruCache[SiftFeatures] = LruCache(64)
        self._digests: dict[bytes, bytes] = {}
        self.damaged: set[bytes] = set()
        """Of what was read, the contents whose end is missing."""

    def gray(self, content: Content) -> NDArray[np.uint8]:
        """Return the brightness of an image, fitted into 512 × 512 pixels.

        Raises
        ------
        UnreadableImageError
            When the file has gone, or has changed since it was indexed.
        """

        def read() -> NDArray[np.uint8]:
            image = open_content(content)
            gray = gray_of(image.pixels(EXTRACTOR.working_size))
            if image.damage:
                self.damaged.add(content.sha256)
            return gray

        return self._grays.get(content.sha256, read)

    def pixels_digest(self, content: Content) -> bytes:
        """Return what identifies an image's pixels at full size."""
        if content.sha256 not in self._digests:
            image = open_content(content)
            with image.reserve_memory():
                self._digests[content.sha256] = pixels_digest(image.pixels(None))
        return self._digests[content.sha256]

    def features(self, content: Content) -> SiftFeatures:
        """Return an image's local features."""
        kept = self._features(content.sha256)
        if kept is not None:
            return kept
        return self._extracted.get(
            content.sha256,
            lambda: EXTRACTOR.extract(open_content(content).pixels(EXTRACTOR.working_size)),
        )

    def load(self, path: str, with_features: bool) -> Content:
        """Read an image file that is in no index, and keep what is known of it for a while.

        Raises
        ------
        UnreadableImageError
            When it cannot be read.
        """
        image = EncodedImage.open(path)
        header = image.header
        row = HASH.describe(image.pixels(HASH.working_size))
        sha256 = hashlib.sha256(image.data).digest()
        pixels = image.pixels(EXTRACTOR.working_size)
        if image.damage:
            self.damaged.add(sha256)
        self._grays.get(sha256, lambda: gray_of(pixels))
        if with_features and self._features(sha256) is None:
            self._extracted.get(sha256, lambda: EXTRACTOR.extract(pixels))
        return Content(sha256, path, header.width, header.height, row[:-1], int(row[-1]))


def relative_resolution(content: Content, other: Content, transform: Transform | None) -> float:
    """Return the pixels of an image along a side of what is one pixel of another.

    Parameters
    ----------
    content, other : Content
        Of the same scene.
    transform : Transform, optional
        From the other's working size to that of `content`; without, both show all of the scene.
    """
    if transform is None:
        return max(content.width, content.height) / max(other.width, other.height)
    return scale_of(transform) * _reduction(content) / _reduction(other)


def _reduction(content: Content) -> float:
    """Return an image's pixels along a side of one pixel of the working size."""
    return max(1.0, max(content.width, content.height) / EXTRACTOR.working_size)


def open_content(content: Content) -> EncodedImage:
    """Read the file of a content.

    Raises
    ------
    UnreadableImageError
        When it has gone, or has changed since it was indexed.
    """
    image = EncodedImage.open(content.path)
    if hashlib.sha256(image.data).digest() != content.sha256:
        reason = "it has changed since it was indexed"
        raise UnreadableImageError(content.path, reason, "run the same command again")
    return image


def pixels_digest(pixels: Pixels) -> bytes:
    """Return what identifies pixels, and how they lie."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()
