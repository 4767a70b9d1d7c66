"""How much real detail an image holds, and how coarsely it was ever compressed.

Power by frequency is measured in two ways, each of which sees through what deceives the other: by
the Fourier transform of overlapping tiles, which does not leak, and by the cosine transform of the
blocks of 8 x 8 pixels of which a JPEG file is made, within which the steps between its blocks do
not show. What follows from it is in :mod:`cbir.duplicates.preference`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.duplicates.compression import BLOCK, STANDARD, coarseness_of_file, coarseness_of_pixels
from cbir.duplicates.image_content import Content, open_content, pixels_digest
from cbir.images.contents.file_contents import read_contents
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import Pixels, resized
from cbir.verification.planes import gray_of

Floats = NDArray[np.float32]

_TILE = 64
"""Pixels a side of a tile; a multiple of a block."""

_TILES_A_SIDE = 12
"""At most: they are spread over the image."""

_BLANK = 8.0
"""Range of the brightness, averaged over blocks, of a row or column of a border."""

_GRAY = 6.0
"""Difference of the channels, of 255, up to which an image is gray: compression makes some."""

_GRAY_SHARE = 0.99
"""Of the pixels, that are so in a gray image."""

_PALETTE = 256
"""Colors that an image with a palette has at most."""

_DRAWN = 0.65
"""Share of the pixels that equal their neighbor, from which an image of few colors is a drawing."""

_STEEPEST_DECLINE = 4.0
"""Power of the frequency beyond which there is nothing: natural images fall by 2 to 3.5."""

_MOST_BLOCKS, _KEPT_BLOCKS = 4096, 1024

_HALVED_TILES = 4
"""Tiles a side of the halved image, at most: a few tell how fast power falls."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def _cosines() -> Floats:
    x, u = np.meshgrid(np.arange(BLOCK), np.arange(BLOCK))
    basis = np.cos(np.pi * (2 * x + 1) * u / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    basis[0] = np.sqrt(1 / BLOCK)
    return basis.astype(np.float32)


_DCT = _cosines()
_RING = np.maximum.outer(np.arange(BLOCK), np.arange(BLOCK))

_WINDOW = np.outer(*[np.hanning(_TILE + 2)[1:-1]] * 2).astype(np.float32)
_DOWN = np.abs(np.fft.fftfreq(_TILE) * _TILE).round().astype(int)[:, None]
_ACROSS = np.arange(_TILE // 2 + 1)[None]
_HIGHER = np.maximum(_DOWN, _ACROSS)
_SLANTED = np.minimum(_DOWN, _ACROSS) >= _TILE // BLOCK
"""Frequencies in which the steps between blocks hardly show: these run along the sides."""


@dataclass(frozen=True, slots=True, eq=False)
class PowerSpectrum:
    """Power by frequency, up to one period in two pixels.

    Attributes
    ----------
    spectra : ndarray of float64, shape (2, 33)
        In all directions, and in slanted ones.
    blocks : ndarray of float64, shape (8,)
        Within blocks.
    """

    spectra: NDArray[np.float64]
    blocks: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ImageDetail:
    """What an image holds.

    Attributes
    ----------
    power, halved : PowerSpectrum
        Of the image, and of the image when it is reduced to half its size.
    bandwidth : float
        The highest frequency that has any content, 0 to 1.
    gray : bool
        It has no colors.
    palette, drawing : bool
        It has 256 colors at most; a drawing's pixels mostly equal their neighbors, and only images
        that are none count as having a palette.
    color_share : float
        Its different colors, as a share of its pixels.
    coarseness : float
        Of the compression of the file: 100 is JPEG of quality 50, 0 none.
    past_coarseness : float
        Of the coarsest compression that it went through, as far as the pixels show it.
    coefficients : ndarray of int16, shape (n, 9)
        Some of the blocks, in the frequencies of :data:`cbir.duplicates.compression.STANDARD`, in
        16ths.
    file_extras : (int, bool)
        What the file holds besides: further frames and extras, more than 8 bits a channel.
    alpha : bool
        Some of it is transparent.
    pixels : bytes
        Digest of its pixels.
    damaged : bool
        The end of the file is missing.
    """

    power: PowerSpectrum
    halved: PowerSpectrum
    bandwidth: float
    gray: bool
    palette: bool
    drawing: bool
    color_share: float
    coarseness: float
    past_coarseness: float
    coefficients: NDArray[np.int16]
    file_extras: tuple[int, bool]
    alpha: bool
    pixels: bytes
    damaged: bool


class DetailCache:
    """What images hold; each is measured once. Threads may share it."""

    def __init__(self) -> None:
        self._known: dict[bytes, ImageDetail] = {}

    def of(self, content: Content) -> ImageDetail:
        """Return what an image holds.

        Raises
        ------
        UnreadableImageError
            When it cannot be decoded, has gone, or has changed since it was indexed.
        """
        if content.sha256 not in self._known:
            self._known[content.sha256] = measure(open_content(content))
        return self._known[content.sha256]


def measure(image: EncodedImage) -> ImageDetail:
    """Measure an image at its full size.

    Raises
    ------
    UnreadableImageError
        When it cannot be decoded.
    """
    with image.reserve_memory():
        return _measured(image)


def _measured(image: EncodedImage) -> ImageDetail:
    rgb, orientation = image.pixels(None), image.header.orientation
    tiles = _tiles(rgb, orientation, _TILES_A_SIDE).astype(np.float32)
    luma = tiles @ _LUMA
    coefficients = _coefficients(luma)
    power = _power(luma, coefficients)
    contents = read_contents(image)
    coarseness = coarseness_of_file(image.data, image.header.format)
    colors, flat = _colors(tiles)
    some = coefficients[:: -(-len(coefficients) // _MOST_BLOCKS)]
    return ImageDetail(
        power=power,
        halved=_halved(rgb),
        bandwidth=_bandwidth(power.blocks),
        gray=_is_gray(tiles),
        palette=colors <= _PALETTE and flat < _DRAWN,
        drawing=colors <= _PALETTE and flat >= _DRAWN,
        color_share=colors / (tiles.size // 3),
        coarseness=coarseness,
        past_coarseness=max(coarseness, coarseness_of_pixels(some)),
        coefficients=_some_of(coefficients),
        file_extras=(len(contents.further) + len(contents.extras), (contents.depth or 8) > 8),
        alpha=contents.alpha is not None,
        pixels=pixels_digest(rgb),
        damaged=bool(image.damage),
    )


def _power(luma: Floats, coefficients: Floats) -> PowerSpectrum:
    blocks = _by_frequency((coefficients**2).mean(0), _RING, BLOCK)
    return PowerSpectrum(_spectra(luma), blocks)


def _halved(rgb: Pixels) -> PowerSpectrum:
    gray = gray_of(rgb)
    size = max(gray.shape[1] // 2, 1), max(gray.shape[0] // 2, 1)
    luma = _tiles(resized(gray, size), 1, _HALVED_TILES).astype(np.float32)
    return _power(luma, _coefficients(luma))


def _some_of(coefficients: Floats) -> NDArray[np.int16]:
    down, across = np.array(list(STANDARD)).T
    some = coefficients[:: -(-len(coefficients) // _KEPT_BLOCKS), down, across]
    return np.asarray(np.rint(16 * some), np.int16)


def _is_gray(tiles: Floats) -> bool:
    red, green, blue = np.moveaxis(tiles, -1, 0)
    # Of three planes, this is ten times as fast as np.ptp along the last axis.
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return bool((spread <= _GRAY).mean() >= _GRAY_SHARE)


def _colors(tiles: Floats) -> tuple[int, float]:
    """Return how many colors there are, and the share of pixels that equal the one before."""
    red, green, blue = np.moveaxis(tiles.astype(np.uint32), -1, 0)
    packed = red << 16 | green << 8 | blue
    in_order = np.sort(packed, axis=None)  # several times as fast as np.unique
    different = 1 + int(np.count_nonzero(in_order[1:] != in_order[:-1]))
    return different, float((packed[..., 1:] == packed[..., :-1]).mean())


def _bandwidth(blocks: NDArray[np.float64]) -> float:
    """Return up to which frequency the power falls no faster than it may in an image."""
    ring = np.arange(1, BLOCK)
    above = 10 * np.log10(
        (blocks[1:] + 1e-3) / (blocks[1] + 1e-3)
    ) + 10 * _STEEPEST_DECLINE * np.log10(ring)
    below = np.flatnonzero(above < 0)
    if len(below) == 0:
        return 1.0
    place = int(below[0])  # at least 1: the first is 0 by definition
    fraction = above[place - 1] / (above[place - 1] - above[place])
    return float((ring[place - 1] + fraction) / ring[-1])


def _tiles(image: Pixels, orientation: int, most: int) -> Pixels:
    """Return tiles within blank borders, shape (n, 64, 64, …), at most so many a side."""
    green = image if image.ndim == 2 else image[..., 1]
    top, bottom = _content(green)
    left, right = _content(green.T)
    height, width = green.shape
    # An orientation leaves what remained at the end of the last block at the beginning.
    upside_down, backwards = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    rows = _starts(top, bottom, height % BLOCK if upside_down else 0, height, most)
    columns = _starts(left, right, width % BLOCK if backwards else 0, width, most)
    if height < _TILE or width < _TILE:
        high, wide = max(_TILE - height, 0), max(_TILE - width, 0)
        image = np.asarray(cv2.copyMakeBorder(image, 0, high, 0, wide, cv2.BORDER_REFLECT))
    return np.stack([image[y : y + _TILE, x : x + _TILE] for y in rows for x in columns])


def _starts(low: int, high: int, offset: int, size: int, most: int) -> list[int]:
    """Return where tiles begin along a side, at borders of blocks."""
    count = min(most, max(1, 2 * (high - low) // _TILE - 1))
    places = np.linspace(low, max(high - _TILE, low), count).astype(int)
    aligned = (places - offset) // BLOCK * BLOCK + offset
    aligned[aligned < 0] += BLOCK
    return sorted({min(int(place), max(size - _TILE, 0)) for place in aligned})


def _content(plane: Pixels) -> tuple[int, int]:
    """Return the rows between blank borders; all of them where everything is blank."""
    used = plane[:, : plane.shape[1] // BLOCK * BLOCK]
    if used.shape[1] == 0:
        return 0, len(plane)
    means = used.reshape(len(plane), -1, BLOCK).mean(2, dtype=np.float32)
    rows = np.flatnonzero(np.ptp(means, axis=1) >= _BLANK)
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, len(plane))


def _coefficients(tiles: Floats) -> Floats:
    """Return the cosine transforms of the blocks of tiles, shape (n, 8, 8): down, across."""
    count = _TILE // BLOCK
    blocks = tiles.reshape(-1, count, BLOCK, count, BLOCK).transpose(0, 1, 3, 2, 4)
    across = blocks.reshape(-1, BLOCK) @ _DCT.T
    down = across.reshape(-1, BLOCK, BLOCK).transpose(0, 2, 1).reshape(-1, BLOCK) @ _DCT.T
    return np.asarray(down.reshape(-1, BLOCK, BLOCK).transpose(0, 2, 1), np.float32)


def _spectra(tiles: Floats) -> NDArray[np.float64]:
    windowed = (tiles - tiles.mean((1, 2), keepdims=True)) * _WINDOW
    from scipy import fft

    power = (np.abs(fft.rfft2(windowed)) ** 2).mean(0, dtype=np.float64) / (_WINDOW**2).sum()
    count = _TILE // 2 + 1
    slanted = np.where(_SLANTED, power, 0)
    return np.stack(
        [
            _by_frequency(power, _HIGHER, count),
            _by_frequency(slanted, np.where(_SLANTED, _HIGHER, count), count),
        ]
    )


def _by_frequency(
    power: NDArray[np.floating], frequency: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    """Return the mean power of each frequency."""
    sums = np.bincount(frequency.ravel(), power.ravel(), count)[:count]
    return sums / np.maximum(np.bincount(frequency.ravel(), minlength=count)[:count], 1)
