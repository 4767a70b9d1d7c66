"""Hashes of the gray image: bit strings that change little when it is recompressed or resized.

Their values are stable: a change of one bit, or of a quality, for the same file is a new version.
Their bits equal those of the ImageHash library (https://github.com/JohannesBuchner/imagehash) for
the same pixels, with the exception that :class:`WaveletHash` tells of; those of 64 bits are of the
image at full size, as the library's are.

A row is the packed bits and one byte of quality: the share, in percent, of the frequencies or bits
that stand out of noise. A blank image, a smooth sky or a vignette has next to none, so its bits
are an accident; what is alike in them says nothing.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Descriptor
from cbir.descriptors.hashes.dct import Frequencies, by_frequencies, dct2
from cbir.descriptors.hashes.lanczos import gray_thumbnail
from cbir.descriptors.row_kinds import HASH, RowKind
from cbir.images.pixels import WORKING_SIZES, Pixels

Bits = NDArray[np.bool_]
"""Of a hash, not packed."""

LEAST_QUALITY = 20
"""Percent; below it an image is blank to a hash of its thumbnail.

``benchmarks/hashes.py`` measures it: blank images (uniform, ramps and vignettes of 64 to 1600 px,
with noise of up to 5 gray levels, also as JPEG of quality 30) reach 19. Of 2,251 photographs and
catalog images, three of a black night sky have 4 or less, one more 19, all others 22 or more."""

LEAST_PHASH_QUALITY = 30
"""The same for :class:`PerceptualHash`: blank images reach 26, a white shirt on white has 37."""

_OVERSAMPLING = 4
"""Side of the image that is transformed for ``phash``, in units of the hash's side."""

_FREQUENCY_NOISE = 8.0
"""Gray levels, of an orthonormal DCT, that noise gives the frequencies of an image of some
thousand pixels: four times its deviation in such an image, which is about 2 in a bad case."""

_CELL_NOISE = 3.0
"""The same for images of 64 pixels, of which each averages over more noise."""


@dataclass(frozen=True)
class Hash(Descriptor):
    """Base of the hashes: packed bits, the first one highest, and a byte of quality."""

    kind: ClassVar[RowKind] = HASH
    metrics: ClassVar[tuple[str, ...]] = ("hamming",)
    has_quality: ClassVar[bool] = True
    least_quality: ClassVar[int] = LEAST_QUALITY
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        bits, quality = self._bits_and_quality(image)
        row = np.empty(self.width, np.uint8)
        row[:-1], row[-1] = np.packbits(bits), quality
        return row

    @abstractmethod
    def _bits_and_quality(self, image: Pixels) -> tuple[Bits, int]:
        """Return the bits, of any shape, and the quality, 0 to 100."""


@dataclass(frozen=True)
class _SizedHash(Hash):
    """Base of the hashes with a choice of lengths, of which the one of 64 bits is ImageHash's."""

    meaning: ClassVar[str] = "differing bits: 0 = a copy; unrelated images differ in about half"

    bits: Literal[64, 256]

    @property
    def dimension(self) -> int:
        """Bits."""
        return self.bits

    @property
    def working_size(self) -> int | None:
        """Far above what is kept of the image; all of it where ImageHash must be met."""
        return None if self.bits == 64 else WORKING_SIZES[2]


@dataclass(frozen=True)
class _BlockHash(Hash):
    """Base of the hashes of 8 × 8 blocks, which are of the image at full size as ImageHash's."""

    meaning: ClassVar[str] = (
        "differing bits: 0 = a copy; unrelated ones differ in half, some in few"
    )
    dimension: ClassVar[int] = 64
    working_size: ClassVar[int | None] = None


@dataclass(frozen=True)
class PerceptualHash(_SizedHash):
    """DCT hash: which of the lowest frequencies lie above their median.

    The gray image is resized to 4 × the hash's side by Lanczos resampling and transformed by a
    DCT-II. The bits are the signs of the lowest frequencies minus their median, row by row. The
    quality is the share of the frequencies that are farther from it than noise could move them.

    Parameters
    ----------
    bits : {256, 64}
        Length of the hash. The 64 bits are computed from the image at full size and equal those
        of the ImageHash library's ``phash``.

    References
    ----------
    C. Zauner, "Implementation and benchmarking of perceptual image hash functions", diploma
    thesis, Upper Austria University of Applied Sciences, 2010. It departs from the thesis, as
    ImageHash does, in keeping the frequency 0 and in the resampling.

    Examples
    --------
    >>> ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 256, axis=0)
    >>> row = PerceptualHash(bits=64).describe(np.repeat(ramp, 3, axis=2))
    >>> row.shape, row[-1] < LEAST_PHASH_QUALITY
    ((9,), np.True_)
    """

    name: ClassVar[str] = "phash"
    version: ClassVar[int] = 2
    summary: ClassVar[str] = "copies of one image, recompressed or resized; 33 bytes an image"
    least_quality: ClassVar[int] = LEAST_PHASH_QUALITY

    bits: Literal[256, 64] = 256

    def _bits_and_quality(self, image: Pixels) -> tuple[Bits, int]:
        side = math.isqrt(self.bits)
        small = gray_thumbnail(image, side * _OVERSAMPLING, side * _OVERSAMPLING)
        noise = _FREQUENCY_NOISE * _gain(small)

        def decide(low: Frequencies) -> tuple[tuple[Bits, int], float]:
            margins = low - _median(low)
            sizes = np.abs(margins)
            distance = min(sizes.min(), np.abs(sizes - noise).min())
            return (margins > 0, _percent(sizes > noise)), float(distance)

        return by_frequencies(small, side, decide)


@dataclass(frozen=True)
class DifferenceHash(_SizedHash):
    """Difference hash: which pixels of a thumbnail are brighter than their left neighbors.

    The gray image is resized to a thumbnail, one column wider than high, by Lanczos resampling.
    The quality is the share of the thumbnail's frequencies that stand out of noise.

    Parameters
    ----------
    bits : {64, 256}
        Length of the hash. The 64 bits are computed from the image at full size and equal those
        of the ImageHash library's ``dhash``.

    References
    ----------
    N. Krawetz, "Kind of like that", The Hacker Factor Blog, 2013,
    https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html.

    Examples
    --------
    >>> ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 256, axis=0)
    >>> DifferenceHash().describe(np.repeat(ramp, 3, axis=2)).tolist()
    [255, 255, 255, 255, 255, 255, 255, 255, 5]
    """

    name: ClassVar[str] = "dhash"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "copies of one image; simple and well known; 9 bytes an image"

    bits: Literal[64, 256] = 64

    def _bits_and_quality(self, image: Pixels) -> tuple[Bits, int]:
        side = math.isqrt(self.bits)
        small = gray_thumbnail(image, side + 1, side)
        return small[:, 1:] > small[:, :-1], structure(small)


@dataclass(frozen=True)
class AverageHash(_BlockHash):
    """Average hash: which pixels of an 8 × 8 thumbnail are brighter than their mean.

    The gray image is resized by Lanczos resampling, at full size. The quality is the share of
    the thumbnail's frequencies that stand out of noise. The hash equals the ImageHash library's
    ``average_hash``.

    References
    ----------
    N. Krawetz, "Looks like it", The Hacker Factor Blog, 2011,
    https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html.

    Examples
    --------
    >>> halves = np.zeros((64, 64, 3), np.uint8)
    >>> halves[:, 32:] = 200
    >>> AverageHash().describe(halves)[:8].tolist()
    [15, 15, 15, 15, 15, 15, 15, 15]
    """

    name: ClassVar[str] = "ahash"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "copies of one image; the simplest; 9 bytes an image"

    def _bits_and_quality(self, image: Pixels) -> tuple[Bits, int]:
        small = gray_thumbnail(image, 8, 8)
        return small > small.mean(), structure(small)


@dataclass(frozen=True)
class WaveletHash(_BlockHash):
    """Wavelet hash: which of 8 × 8 blocks are brighter than their median.

    The gray image is resized by Lanczos resampling to a square whose side is the largest power
    of two within the image. The low band of its Haar transform, the means of 8 × 8 blocks, is
    compared with its median. The quality is the share of the blocks' frequencies that stand out of
    noise.

    The hash equals the ImageHash library's ``whash``, except where blocks are exactly equal to the
    median, as on a white ground: there the library's bits are those of its rounding errors, and
    here they are 0.

    References
    ----------
    D. Petrov, "Wavelet image hash in Python", 2016,
    https://fullstackml.com/wavelet-image-hash-in-python-3504fdd282b5.

    Examples
    --------
    >>> halves = np.zeros((64, 64, 3), np.uint8)
    >>> halves[:, 32:] = 200
    >>> WaveletHash().describe(halves)[:8].tolist()
    [15, 15, 15, 15, 15, 15, 15, 15]
    """

    name: ClassVar[str] = "whash"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "copies of one image, from means of blocks; 9 bytes an image"

    def _bits_and_quality(self, image: Pixels) -> tuple[Bits, int]:
        side = max(8, 1 << (min(image.shape[:2]).bit_length() - 1))
        block = side // 8
        square = gray_thumbnail(image, side, side).reshape(8, block, 8, block)
        # Whole numbers, so that equal blocks are equal.
        sums = square.sum(axis=(1, 3), dtype=np.int64)
        return sums > np.median(sums), structure(sums / block**2)


def structure(thumbnail: NDArray[Any]) -> int:
    """Say how many of a thumbnail's frequencies stand out of noise.

    Parameters
    ----------
    thumbnail : ndarray, shape (height, width)
        Gray levels, 0 to 255; about 8 pixels a side.

    Returns
    -------
    int
        Percent of the frequencies other than 0.

    Examples
    --------
    >>> thing = np.zeros((8, 8))
    >>> thing[2:4, 3:6] = 90
    >>> structure(np.full((8, 8), 40)), structure(thing)
    (0, 74)
    """
    spectrum = np.abs(dct2(thumbnail)).ravel()[1:]
    return _percent(spectrum > _CELL_NOISE * _gain(thumbnail))


def _median(values: NDArray[np.float64]) -> np.float64:
    """Return the median of an even number of values, which are no NaN: as numpy's, but sooner."""
    ordered = np.sort(values, axis=None)
    middle = ordered.size // 2
    return (ordered[middle - 1] + ordered[middle]) / 2


def _gain(image: NDArray[Any]) -> float:
    """Return the values of :func:`dct2` over those of the orthonormal transform."""
    return 2 * math.sqrt(image.size)


def _percent(flags: Bits) -> int:
    return 100 * int(np.count_nonzero(flags)) // flags.size
