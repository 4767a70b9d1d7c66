"""Color descriptors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.core.machine_code import AwaitedLoop, Loop
from cbir.descriptors.base import STEPS, Descriptor, Encoding, as_roots
from cbir.descriptors.global_features.spatial_grid import over_regions
from cbir.images.pixels import Pixels

_ELLIPSE_BINS = (8, 12, 3)
_GRID_BINS = (16, 4, 4)
_ELLIPSE_REACH = 0.75
"""The central ellipse's diameters, as a share of the image's sides."""

_GRID_REGIONS, _CELLS = 6, math.prod(_GRID_BINS)

_PARTS, _COPIES = 8, 2
"""Of an image, and counters of each, in the compiled loop; see :func:`count_roots`."""

_UNRELATED = 3.5
"""Median distance of roots between photographs of different things, a region."""


@dataclass(frozen=True)
class HsvHistogram(Descriptor):
    """HSV color histogram with spatial layout.

    The image is divided into regions, and each gives the shares of its pixels that fall into
    the cells of hue × saturation × value. Hue is circular: the first bin is centered on red. The
    roots of the shares are stored and compared: large areas count less.

    ``grid``: the whole image, its four quarters and its center, 16 × 4 × 4 bins each. The whole
    is the sum of the quarters, and says that a color is there wherever it is.
    ``ellipse``: four corners around a central ellipse, 8 × 12 × 3 bins, as in widely used
    tutorials; every pixel is in exactly one region.
    ``none``: the whole image, 16 × 4 × 4 bins.

    Parameters
    ----------
    layout : {"grid", "ellipse", "none"}
        The regions.
    compare : {"roots", "shares"}
        What the distance is of. ``shares``: the squares of what is stored, divided by the number
        of regions, so that all bins sum to 1; the textbook's histogram, which found less on most
        collections.

    References
    ----------
    M. J. Swain, D. H. Ballard, "Color indexing", IJCV 7(1), 1991, for histograms; M. Stricker,
    A. Dimai, "Color indexing with weak spatial constraints", SPIE 2670, 1996, for a central
    region with four around it. It departs from them in the color space, the quantization, and the
    roots; these are from R. Arandjelović, A. Zisserman, "Three things everyone should know to
    improve object retrieval", CVPR 2012, who take them of local descriptors.

    Examples
    --------
    >>> red = np.zeros((64, 64, 3), np.uint8)
    >>> red[..., 0] = 255
    >>> row = HsvHistogram(layout="none").describe(red)
    >>> row.shape, row.dtype, np.flatnonzero(row).tolist()
    ((256,), dtype('uint8'), [15])
    """

    name: ClassVar[str] = "hsv"
    version: ClassVar[int] = 2
    summary: ClassVar[str] = "colors and where they are: scenes, products, near-duplicates"
    metrics: ClassVar[tuple[str, ...]] = ("chi2", "manhattan", "cosine", "euclidean")
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)

    layout: Literal["grid", "ellipse", "none"] = "grid"
    compare: Literal["roots", "shares"] = "roots"

    @property
    def dimension(self) -> int:
        """Regions × bins."""
        return self._regions * math.prod(self._bins)

    @property
    def encoding(self) -> Encoding:
        """Roots of a region's shares; or shares, of which all regions together have the sum 1."""
        if self.compare == "roots":
            return STEPS
        return Encoding(1 / (255 * math.sqrt(self._regions)), 2)

    @property
    def meaning(self) -> str:
        """What a distance by chi-squared means."""
        same = f"0 = the same colors{' in the same places' if self.layout != 'none' else ''}"
        if self.compare == "shares":
            return f"{same}, about 1 = no color in common"
        unrelated = f"unrelated photographs: about {_UNRELATED * self._regions:g}"
        return f"{same}; {unrelated}; at most {math.ceil(self.largest_distance)}"

    @property
    def largest_distance(self) -> float:
        r"""The largest chi-squared distance of roots: :math:`\sqrt{n/2} + n/1020` a region.

        Of images with no color in common in any region, whose n bins are shared evenly between
        them: each has the n/2 roots :math:`\sqrt{2/n}`. The second term is what rounding may add.
        """
        bins = math.prod(self._bins)
        return self._regions * (math.sqrt(bins / 2) + bins / 1020)

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        run = _COUNTING.after(1) if self.layout != "ellipse" else None
        if run is None:
            return as_roots(self._counts(hsv_cells(image, self._bins))).ravel()
        height, width = image.shape[:2]
        counts = np.zeros((_PARTS, _COPIES, _CELLS), np.int32)
        sums = np.empty((_GRID_REGIONS, _CELLS), np.int32)
        cells, roots = np.empty(width, np.uint8), np.empty(self.dimension, np.uint8)
        pixels = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
        run(pixels, height, width, self.layout == "grid", cells, counts, sums, roots)
        return roots

    @property
    def _regions(self) -> int:
        return {"grid": _GRID_REGIONS, "ellipse": 5, "none": 1}[self.layout]

    @property
    def _bins(self) -> tuple[int, int, int]:
        return _ELLIPSE_BINS if self.layout == "ellipse" else _GRID_BINS

    def _counts(self, cells: NDArray[Any]) -> NDArray[np.float32]:
        """Count the pixels of each region (rows) by color cell (columns)."""
        bins = math.prod(self._bins)
        if self.layout == "ellipse":
            return np.stack([_count(cells, bins, mask) for mask in _ellipse_regions(*cells.shape)])
        return over_regions(self.layout, cells.shape, lambda place: _count(cells[place], bins))


def hsv_cells(image: Pixels, bins: tuple[int, int, int]) -> NDArray[Any]:
    """Number the color cell of every pixel: (hue * bins_s + saturation) * bins_v + value.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB.
    bins : (int, int, int)
        Of hue, saturation and value; the first bin of the hue is centered on red.

    Returns
    -------
    ndarray, shape (height, width)
        Of uint8 for up to 256 cells, else of uint16.

    Examples
    --------
    >>> hsv_cells(np.full((1, 1, 3), 255, np.uint8), (16, 4, 4)).tolist()
    [[3]]
    """
    channels = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL))
    hue, saturation, value = map(cv2.LUT, channels, _tables(bins))
    return np.asarray(cv2.add(cv2.add(hue, saturation, hue), value, hue))


def count_roots(pixels, height, width, is_grid, cells, counts, sums, roots):  # type: ignore[no-untyped-def] # noqa: C901
    """Do what :func:`hsv_cells`, the counting and :func:`as_roots` do, as a compiled loop.

    Pixels are HSV. A grid's pixels are counted by parts, the outer and the inner one of each
    quarter, of which all regions are sums; each part has two counters, for an addition has to wait
    for the one before it if that was of the same cell, as it mostly is. They are zeros.
    """
    inner_top, inner_left = height // 4, width // 4
    half_y, half_x = height // 2, width // 2
    if not is_grid:
        inner_top, inner_left, half_y, half_x = 0, 0, height, width
    for y in range(height):
        start = 3 * y * width
        for x in range(width):
            hue, saturation = pixels[start + 3 * x], pixels[start + 3 * x + 1]
            value = pixels[start + 3 * x + 2]
            cells[x] = ((hue + 8) >> 4 & 15) << 4 | saturation >> 6 << 2 | value >> 6
        is_inner = inner_top <= y < height - inner_top
        for piece in range(4):
            first = (0, inner_left, half_x, width - inner_left)[piece]
            last = (inner_left, half_x, width - inner_left, width)[piece]
            quarter = 2 * (y >= half_y) + (piece >= 2)
            part = 2 * quarter + (is_inner and 1 <= piece <= 2)
            one = part * _COPIES * _CELLS
            other = one + _CELLS
            for x in range(first, last - 1, 2):
                counts[one + cells[x]] += 1
                counts[other + cells[x + 1]] += 1
            if (last - first) % 2:
                counts[one + cells[last - 1]] += 1
    for cell in range(_CELLS):
        whole = center = 0
        for quarter in range(4):
            outer = 2 * quarter * _COPIES * _CELLS + cell
            inner = outer + _COPIES * _CELLS
            within = counts[inner] + counts[inner + _CELLS]
            count = within + counts[outer] + counts[outer + _CELLS]
            sums[(1 + quarter) * _CELLS + cell] = count
            center += within
            whole += count
        sums[cell], sums[(_GRID_REGIONS - 1) * _CELLS + cell] = whole, center
    for start in range(0, (_GRID_REGIONS if is_grid else 1) * _CELLS, _CELLS):
        total = 0
        for cell in range(start, start + _CELLS):
            total += sums[cell]
        pixels_of_region = np.float32(max(total, 1))
        for cell in range(start, start + _CELLS):
            share = np.float32(sums[cell]) / pixels_of_region
            roots[cell] = np.uint8(np.rint(np.float32(255) * np.sqrt(share)))


_COUNTING = AwaitedLoop(
    Loop(
        count_roots,
        ("uint8*", "int64", "int64", "int64", "uint8*", "int32*", "int32*", "uint8*"),
        is_exact=True,
    ),
    worth_loading=200,
    worth_compiling=1000,
)
"""Work is images."""


@lru_cache
def _tables(bins: tuple[int, int, int]) -> tuple[NDArray[Any], ...]:
    """Return what each level of hue, saturation and value adds to the cell's number."""
    hues, saturations, values = bins
    level = np.arange(256)
    hue = (level * hues + 128) // 256 % hues  # half a bin on: red is a center, not an edge
    steps = [hue * saturations * values, level * saturations // 256 * values, level * values // 256]
    dtype = np.uint8 if math.prod(bins) <= 256 else np.uint16
    return tuple(step.astype(dtype) for step in steps)


def _count(
    cells: NDArray[Any], bins: int, mask: NDArray[np.uint8] | None = None
) -> NDArray[np.float32]:
    if cells.size == 0:  # a half of an image one pixel wide
        return np.zeros(bins, np.float32)
    return cv2.calcHist([cells], [0], mask, [bins], [0, bins]).ravel()  # type: ignore[return-value]


@lru_cache(maxsize=64)
def _ellipse_regions(height: int, width: int) -> tuple[NDArray[np.uint8], ...]:
    """Return the masks of the corners and of the ellipse: a partition of the image."""
    y = (2 * np.arange(height) + 1) / height - 1
    x = (2 * np.arange(width) + 1) / width - 1
    inside = (y[:, None] / _ELLIPSE_REACH) ** 2 + (x[None] / _ELLIPSE_REACH) ** 2 <= 1
    corners = [
        vertical[:, None] & horizontal[None] & ~inside
        for vertical in (y < 0, y >= 0)
        for horizontal in (x < 0, x >= 0)
    ]
    return tuple(mask.astype(np.uint8) for mask in [*corners, inside])
