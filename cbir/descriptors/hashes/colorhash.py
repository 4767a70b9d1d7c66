"""A hash of colors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cbir.descriptors.hashes.lanczos import gray_thumbnail
from cbir.descriptors.hashes.perceptual import Bits, Hash, structure
from cbir.images.pixels import Pixels

_CLASSES = 14
_BLACK = 256 // 8
"""Gray level below which a pixel is black."""


@dataclass(frozen=True)
class ColorHash(Hash):
    """Color hash: how much of the image is black, gray, and of which color.

    Pixels are of 14 classes: black; gray; six hues, faint; six hues, bright. Each gives a byte, of
    which so many bits are set, from the highest on, as the class has eighths of the image (of
    its colored pixels, for the hues). So the Hamming distance is the sum of the steps by which
    shares differ.

    The classes and shares are those of the ImageHash library's ``colorhash``, whose number for a
    class, with ``binbits=3``, is the count of the byte's bits, 7 at most. The quality is that of
    an 8 × 8 gray thumbnail: the share of its frequencies that stand out of noise.

    References
    ----------
    ``colorhash`` of ImageHash 4.3, https://github.com/JohannesBuchner/imagehash. It departs from
    the library in the code of a share: there three bits, which do not differ the more, the more
    shares differ.

    Examples
    --------
    >>> dark = np.zeros((64, 64, 3), np.uint8)
    >>> dark[:16] = 200
    >>> ColorHash().describe(dark)[:3].tolist()
    [252, 192, 0]
    """

    name: ClassVar[str] = "colorhash"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "images of the same colors, wherever these are; 15 bytes an image"
    meaning: ClassVar[str] = "steps of 1/8 by which shares of colors differ: 0 = the same colors"
    dimension: ClassVar[int] = 8 * _CLASSES

    def _bits_and_quality(self, image: Pixels) -> tuple[Bits, int]:
        eighths = _eighths(image)
        bits = np.arange(8) < eighths[:, None]
        return bits, structure(gray_thumbnail(image, 8, 8))


def _eighths(image: Pixels) -> NDArray[np.int64]:
    """Return how many whole eighths of the image each class has."""
    pil_image = Image.fromarray(image)
    hue, saturation, _ = np.moveaxis(np.asarray(pil_image.convert("HSV")), 2, 0)
    classes = _table()[saturation, hue]
    classes[np.asarray(pil_image.convert("L")) < _BLACK] = 0
    counts = np.bincount(classes.ravel(), minlength=_CLASSES + 1)
    totals = np.full(_CLASSES, max(1, int(counts[2:].sum())))
    totals[:2] = classes.size
    return 8 * counts[:_CLASSES] // totals


@cache
def _table() -> NDArray[np.uint8]:
    """Return the class of each saturation (rows) and hue (columns), as if none were black."""
    level = np.arange(256)
    hue = np.minimum(level * 6 // 255, 5)[None]
    saturation = level[:, None]
    faint, bright = saturation < 256 * 2 // 3, saturation > 256 * 2 // 3
    # The library counts a saturation between them as colored, but of no class.
    colored = np.where(faint, 2 + hue, np.where(bright, 8 + hue, _CLASSES))
    return np.where(saturation < 256 // 3, 1, colored).astype(np.uint8)
