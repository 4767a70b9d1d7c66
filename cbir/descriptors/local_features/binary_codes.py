"""64 bits for a local feature, so that alike ones can be found without comparing all.

A SIFT descriptor is 4 × 4 cells of 8 directions. Its principal components are nearly those of a
cosine transform over the cells and a Fourier transform over the directions, whatever images it
comes from; so these take the place of a rotation that would have to be learned. The signs of the
64 largest components are the signature, the largest first.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

BITS = 64

# Row frequency, column frequency and direction component of each bit: 0 the mean, then cosine and
# sine of the frequencies 1 to 3, then 4. By falling standard deviation over the descriptors of 600
# photographs; components that are positive in less than 40 % or more than 60 % of them are left
# out, for their signs say little.
_COMPONENTS = [
    (int(code[0]), int(code[1]), int(code[2]))
    for code in """
    011 002 102 031 004 013 202 010 103 012 104 111 014 212 121 122 101 302 100 114 231 322
    022 113 211 222 312 131 015 024 110 124 204 123 006 201 213 106 214 016 105 304 033 034
    132 224 116 210 303 134 017 115 032 120 030 026 126 206 232 035 314 324 107 133
""".split()
]

_SINES = (2, 4, 6)

_NEGATED = [(row % 2 == 1) != (direction in _SINES) for row, _, direction in _COMPONENTS]
MIRRORING = np.packbits(_NEGATED).view(">u8").astype(np.uint64)[0]
"""The bits that change when an image is mirrored: rows change sides and directions turn the other
way, which negates odd row frequencies and sines."""


def signatures(descriptors: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Return the signatures of SIFT descriptors, and which of their leading bits are unsure.

    Parameters
    ----------
    descriptors : ndarray of uint8, shape (n, 128)
        RootSIFT.

    Returns
    -------
    signatures : ndarray of uint64, shape (n,)
        The most significant bit is the sign of the largest component.
    order : ndarray of uint8, shape (n, 24)
        The first 24 bits (0 the most significant), by the size of the component: the one nearest
        to a change of sign first.

    References
    ----------
    V. Chandrasekhar et al., "Transform coding of image feature descriptors", VCIP 2009, for the
    transform; M. Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002,
    for signs.

    Examples
    --------
    >>> ramp = np.arange(128, dtype=np.uint8)[None]
    >>> bits, order = signatures(ramp)
    >>> bits.dtype, order.shape
    (dtype('uint64'), (1, 24))
    """
    components = descriptors.astype(np.float32) @ _basis()
    bits = np.packbits(components > 0, axis=1)
    order = np.argsort(np.abs(components[:, :LEADING]), axis=1, kind="stable")
    return bits.view(">u8").ravel().astype(np.uint64), order.astype(np.uint8)


LEADING = 24
"""Bits that may name a bucket."""


@cache
def _basis() -> NDArray[np.float32]:
    """Return the components as columns, shape (128, 64); not scaled, for only signs are used."""
    place = np.arange(4)
    cosines = [np.cos(np.pi * (place + 0.5) * frequency / 4) for frequency in range(4)]
    turn = 2 * np.pi * np.arange(8) / 8
    directions = [np.ones(8)]
    for frequency in (1, 2, 3):
        directions += [np.cos(frequency * turn), np.sin(frequency * turn)]
    directions.append(np.cos(4 * turn))
    columns = [
        np.einsum("i,j,k->ijk", cosines[row], cosines[column], directions[direction]).ravel()
        for row, column, direction in _COMPONENTS
    ]
    return np.stack(columns, axis=1).astype(np.float32)
