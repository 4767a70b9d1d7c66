"""Hashes: short bit strings that change little when a picture is recompressed or resized.

Their values are stable: a change of one bit for the same file is a new version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cbir.descriptors.base import Descriptor, Kind
from cbir.images import LADDER, Pixels

_OVERSAMPLING = 4
"""Side of the picture that is transformed, in units of the hash's side."""


@dataclass(frozen=True)
class PerceptualHash(Descriptor):
    """DCT hash: which of the lowest frequencies lie above their median.

    The gray picture is resized to 4 × the hash's side by Lanczos resampling and transformed by a
    DCT-II. The bits are the signs of the lowest frequencies minus their median, row by row.

    Parameters
    ----------
    bits : {256, 64}
        Length of the hash. The 64 bits are computed from the picture at full size and equal those
        of the ImageHash library's ``phash``.

    References
    ----------
    C. Zauner, "Implementation and benchmarking of perceptual image hash functions", diploma
    thesis, Upper Austria University of Applied Sciences, 2010. It departs from the thesis, as
    ImageHash does, in keeping the frequency 0 and in the resampling.

    Examples
    --------
    >>> ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 256, axis=0)
    >>> PerceptualHash(bits=64).describe(np.repeat(ramp, 3, axis=2)).shape
    (8,)
    """

    name: ClassVar[str] = "phash"
    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = "hash"
    summary: ClassVar[str] = "copies of one picture, recompressed or resized; 32 bytes a picture"
    metrics: ClassVar[tuple[str, ...]] = ("hamming",)
    meaning: ClassVar[str] = "differing bits: 0 = a copy; unrelated pictures differ in about half"

    bits: Literal[256, 64] = 256

    @property
    def dimension(self) -> int:
        """Bits."""
        return self.bits

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Packed bits, the first one highest."""
        return np.dtype(np.uint8)

    @property
    def working_size(self) -> int | None:
        """Far above what the transform keeps; the full picture where ImageHash must be met."""
        return None if self.bits == 64 else LADDER[2]

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB picture; see :meth:`Descriptor.describe`."""
        side = {64: 8, 256: 16}[self.bits]
        gray = Image.fromarray(image).convert("L")
        enlarged = (side * _OVERSAMPLING, side * _OVERSAMPLING)
        small = np.asarray(gray.resize(enlarged, Image.Resampling.LANCZOS), np.float64)
        low = _dct2(small)[:side, :side]
        return np.packbits(low > np.median(low))


def _dct2(square: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.fft import dct

    return dct(dct(square, axis=0), axis=1)
