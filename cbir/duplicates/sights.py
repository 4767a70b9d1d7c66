"""What is known of the images that are compared, computed or read when it is asked for."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UnreadableImageError
from cbir.descriptors.hashes.perceptual import PerceptualHash
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.images.decoders import EncodedImage, Pixels
from cbir.verification.alignment import Transform, scale_of

PLAIN = 20
"""Quality of a hash below which an image has too little in it to be compared. Below what
:data:`cbir.descriptors.hashes.perceptual.LEAST_PHASH_QUALITY` advises for hashes alone: here the
pixels are compared as well, and gamma and contrast may take a light image from 37 to 23."""

T = TypeVar("T")

HASH = PerceptualHash()
"""What is compared at ``near``, and for the eight orientations at ``edited``."""

EXTRACTOR = SiftExtractor()
"""The local features that are compared at ``edited``."""


class Recent(Generic[T]):
    """Keeps the values that were used last; threads may share it.

    Parameters
    ----------
    size : int
        How many to keep.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[bytes, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes, make: Callable[[], T]) -> T:
        """Return the value of `key`; two threads may both make it, but never wait."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._values[key] = value
            if len(self._values) > self._size:
                self._values.popitem(last=False)
        return value


@dataclass(frozen=True, slots=True)
class Sight:
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
    def plain(self) -> bool:
        """Whether there is too little in it for its hash to mean something."""
        return self.quality < PLAIN


class Eyes:
    """Looks at images, and remembers what it saw last.

    Parameters
    ----------
    features : callable
        ``features(sha256)`` gives a content's local features, or None where they are not kept.
    """

    def __init__(self, features: Callable[[bytes], SiftFeatures | None]) -> None:
        self._features = features
        self._grays: Recent[NDArray[np.uint8]] = Recent(256)
        self._extracted: Recent[SiftFeatures] = Recent(64)
        self._digests: dict[bytes, bytes] = {}
        self.damaged: set[bytes] = set()
        """Of what was looked at, the contents whose end is missing."""

    def gray(self, sight: Sight) -> NDArray[np.uint8]:
        """Return the brightness of an image, fitted into 512 × 512 pixels.

        Raises
        ------
        UnreadableImageError
            When the file has gone, or has changed since it was indexed.
        """

        def read() -> NDArray[np.uint8]:
            image = open_content(sight)
            gray = _gray(image.pixels(EXTRACTOR.working_size))
            if image.damage:
                self.damaged.add(sight.sha256)
            return gray

        return self._grays.get(sight.sha256, read)

    def pixels_digest(self, sight: Sight) -> bytes:
        """Return what identifies an image's pixels at full size."""
        if sight.sha256 not in self._digests:
            image = open_content(sight)
            with image.room():
                pixels = image.pixels(None)
                digest = hashlib.sha256(repr(pixels.shape).encode())
                digest.update(np.ascontiguousarray(pixels).data)
            self._digests[sight.sha256] = digest.digest()
        return self._digests[sight.sha256]

    def features(self, sight: Sight) -> SiftFeatures:
        """Return an image's local features."""
        kept = self._features(sight.sha256)
        if kept is not None:
            return kept
        return self._extracted.get(
            sight.sha256,
            lambda: EXTRACTOR.extract(open_content(sight).pixels(EXTRACTOR.working_size)),
        )

    def see(self, path: str, with_features: bool) -> Sight:
        """Look at an image file that is in no index, and remember it for a while.

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
        self._grays.get(sha256, lambda: _gray(pixels))
        if with_features and self._features(sha256) is None:
            self._extracted.get(sha256, lambda: EXTRACTOR.extract(pixels))
        return Sight(sha256, path, header.width, header.height, row[:-1], int(row[-1]))


def resolution(sight: Sight, other: Sight, transform: Transform | None) -> float:
    """Return the pixels of an image along a side of what is one pixel of another.

    Parameters
    ----------
    sight, other : Sight
        Of the same scene.
    transform : Transform, optional
        From the other's working size to that of `sight`; without, both show all of the scene.
    """
    if transform is None:
        return max(sight.width, sight.height) / max(other.width, other.height)
    return scale_of(transform) * _reduction(sight) / _reduction(other)


def _reduction(sight: Sight) -> float:
    """Return an image's pixels along a side of one pixel of the working size."""
    return max(1.0, max(sight.width, sight.height) / EXTRACTOR.working_size)


def open_content(sight: Sight) -> EncodedImage:
    """Read the file of a content.

    Raises
    ------
    UnreadableImageError
        When it has gone, or has changed since it was indexed.
    """
    image = EncodedImage.open(sight.path)
    if hashlib.sha256(image.data).digest() != sight.sha256:
        reason = "it has changed since it was indexed"
        raise UnreadableImageError(sight.path, reason, "run the same command again")
    return image


def _gray(pixels: Pixels) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
