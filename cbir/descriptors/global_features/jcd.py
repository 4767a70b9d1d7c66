"""The joint histogram of colors and textures."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Descriptor, Encoding
from cbir.descriptors.global_features.spatial_grid import Layout, Place, over_regions, regions_of
from cbir.images.pixels import Pixels

Memberships = NDArray[np.float64]
"""Whole numbers, so that their products add up to the same whatever the order."""

_BLOCKS = 64
"""A side."""

_HUES = 7
_TONES = 3
_COLORS = 3 + _HUES * _TONES
_TEXTURES = 7

_UNIT = 255
"""Full membership."""

_HUE_LIMITS = ((5, 10), (35, 50), (70, 85), (150, 165), (195, 205), (265, 280), (315, 330))
"""Degrees between which red turns to orange, yellow, green, cyan, blue, magenta, and red again."""

_COLORFUL = (10, 75)
"""Levels of saturation between which a gray turns to a color."""

_BRIGHT = (10, 75)
"""Levels of value between which black turns to something else."""

_WHITE = (180, 220)
"""Levels of value between which gray turns to white."""

_PURE = (68, 188)
"""Levels of saturation, and of value, between which a color turns from light, and dark, to pure."""

_WEAK = (1, 3)
_STRONG = (3, 5)
"""Base-2 logarithms of the contrast, in gray levels, between which a flat block turns to a weak
texture, and this to an edge."""

_SHARPNESS = 4
"""Squarings of the responses of a block's filters: only those near the strongest count."""


@dataclass(frozen=True)
class JointColorTexture(Descriptor):
    """Joint histogram of colors and textures, of the CEDD, FCTH and JCD family.

    The image is divided into 64 × 64 blocks. The mean color of a block belongs to 24 colors:
    black, gray, white, and seven hues, each pure, light and dark. The contrasts between its four
    parts belong to 7 textures: flat, weak, an edge of no direction, a horizontal, a vertical and
    two diagonal ones. Both memberships are fuzzy, and each region adds up their products. Cube
    roots of the shares are stored, their squares compared: large areas count less.

    Parameters
    ----------
    layout : {"grid", "none"}
        ``grid``: the whole image, its four quarters and its center; ``none``: the whole image.

    References
    ----------
    S. A. Chatzichristofis, Y. S. Boutalis, "CEDD: color and edge directivity descriptor", ICVS
    2008, for the colors and the edges; the same, "FCTH: fuzzy color and texture histogram", WIAMIS
    2008, for levels of strength; S. A. Chatzichristofis, Y. S. Boutalis, M. Lux, "Selection of the
    proper compact composite descriptor for improving content based image retrieval", SPPRA 2009,
    for the seven textures of both. It departs from them in that rules multiply memberships, which
    add up to 1, instead of taking the least; in that edges have soft thresholds; in the regions; in
    64 × 64 blocks instead of 40 × 40; and in the 8-bit cube roots, compared by the chi-squared
    distance, instead of 3-bit shares compared by Tanimoto's coefficient.

    Examples
    --------
    >>> red = np.zeros((64, 64, 3), np.uint8)
    >>> red[..., 0] = 255
    >>> row = JointColorTexture(layout="none").describe(red)
    >>> row.shape, np.flatnonzero(row).tolist()
    ((168,), [21])
    """

    name: ClassVar[str] = "jcd"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "colors with the textures that they have: scenes, products, patterns"
    metrics: ClassVar[tuple[str, ...]] = ("chi2", "manhattan", "euclidean", "cosine")
    meaning: ClassVar[str] = (
        "0 = the same colors and textures in the same places; unrelated: about 1.5"
    )
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)

    layout: Layout = "grid"

    @property
    def dimension(self) -> int:
        """Regions × colors × textures."""
        return regions_of(self.layout) * _COLORS * _TEXTURES

    @property
    def encoding(self) -> Encoding:
        """Squares of the cube roots, over the number of regions."""
        return Encoding(1 / (255 * regions_of(self.layout) ** 0.5), 2)

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        parts = _square(image, 2 * _BLOCKS)
        colors = _color_memberships(_square(parts, _BLOCKS))
        textures = _texture_memberships(parts)

        def count(place: Place) -> NDArray[np.float64]:
            some = colors[place].reshape(-1, _COLORS)
            return (some.T @ textures[place].reshape(-1, _TEXTURES)).ravel()

        counts = over_regions(self.layout, textures.shape, count)
        shares = counts / counts.sum(axis=1, keepdims=True)
        return np.rint(255 * np.cbrt(shares)).astype(np.uint8).ravel()


def _square(image: Pixels, side: int) -> Pixels:
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _color_memberships(blocks: Pixels) -> Memberships:
    """Return how much each block belongs to each color: shape (blocks, blocks, 24)."""
    hue, saturation, value = cv2.split(cv2.cvtColor(blocks, cv2.COLOR_RGB2HSV_FULL))
    bright, colorful = _ramp(value, _BRIGHT), _ramp(saturation, _COLORFUL)
    white, strong, light = _ramp(value, _WHITE), _ramp(saturation, _PURE), _ramp(value, _PURE)
    gray, color = bright * (1 - colorful), bright * colorful
    neutral = [1 - bright, gray * (1 - white), gray * white]
    tones = [color * light * strong, color * light * (1 - strong), color * (1 - light)]
    chromatic = _hues()[hue][..., None] * np.stack(tones, axis=-1)[..., None, :]
    memberships = [np.stack(neutral, axis=-1), chromatic.reshape(*hue.shape, -1)]
    return np.rint(_UNIT * np.concatenate(memberships, axis=-1))


@lru_cache
def _hues() -> NDArray[np.float64]:
    """Return how much each of 256 levels of hue is each of the seven hues, red first."""
    degrees = np.arange(256) * (360 / 256)
    passed = [_ramp(degrees, limits) for limits in _HUE_LIMITS]
    between = [before - after for before, after in itertools.pairwise(passed)]
    return np.stack([1 - passed[0] + passed[-1], *between], axis=-1)


def _texture_memberships(parts: Pixels) -> Memberships:
    """Return how much each block, of 2 × 2 parts, belongs to each texture."""
    gray = cv2.cvtColor(parts, cv2.COLOR_RGB2GRAY).astype(np.float64)
    a, b, c, d = gray[::2, ::2], gray[::2, 1::2], gray[1::2, ::2], gray[1::2, 1::2]
    # The filters of MPEG-7's edge histogram.
    none, horizontal, vertical = 2 * (a - b - c + d), a + b - c - d, a - b + c - d
    falling, rising = math.sqrt(2) * (b - c), math.sqrt(2) * (a - d)
    responses = np.abs(np.stack([none, horizontal, vertical, falling, rising], axis=-1))
    contrast = responses.max(axis=-1, keepdims=True)
    shares = responses / np.maximum(contrast, 1)
    for _ in range(_SHARPNESS):
        np.square(shares, out=shares)
    shares /= np.maximum(shares.sum(axis=-1, keepdims=True), np.finfo(float).tiny)
    strength = np.log2(contrast + 1)
    weak, strong = _ramp(strength, _WEAK), _ramp(strength, _STRONG)
    memberships = np.concatenate([1 - weak, weak - strong, strong * shares], axis=-1)
    return np.rint(_UNIT * memberships)


def _ramp(values: NDArray[Any], limits: tuple[int, int]) -> NDArray[np.float64]:
    """Rise from 0 at the first limit to 1 at the second."""
    low, high = limits
    return np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
