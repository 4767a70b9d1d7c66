"""A region of an image that is open, as an image of its own."""

from __future__ import annotations

import numpy as np

from cbir.core.checks import check_whole
from cbir.images.open_image import OpenImage, ReducedImage
from cbir.images.pixels import Pixels, fitted_size, resized
from cbir.images.region import PixelRegion

_LEAST_SIDE = 16
"""Pixels that the shorter side keeps in a reduced decode: its ends lie on whole ones of these."""


class RegionOfImage(OpenImage):
    """What lies in a region, decoded as if it were a file of its own.

    An image whose format can be decoded at a half, a quarter or an eighth is decoded so if the
    region, not the whole, is large enough for that. At full size these are the very pixels of the
    image.

    Parameters
    ----------
    image : OpenImage
    region : PixelRegion
        Within the image.
    """

    def __init__(self, image: OpenImage, region: PixelRegion) -> None:
        self.path = image.path
        self._image = image
        self._region = region
        self._parts: dict[int, Pixels] = {}

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height of the region, in pixels."""
        return self._region.width, self._region.height

    def pixels(self, size: int | None = None) -> Pixels:
        """Return the region for a working size; see :meth:`OpenImage.pixels`."""
        size = None if size is None else check_whole("size", size)
        reduction = self._image.reduction(max(self.dimensions), size)
        while reduction > 1 and min(self.dimensions) < _LEAST_SIDE * reduction:
            reduction //= 2
        if reduction not in self._parts:
            self._parts[reduction] = _cut(self._image.reduced(reduction), self._region, reduction)
        part = self._parts[reduction]
        return part if size is None else resized(part, fitted_size(*self.dimensions, size))


def region_of(image: OpenImage, region: PixelRegion) -> OpenImage:
    """Return a region of an image; the image itself if that is all of it."""
    if region == (0, 0, *image.dimensions):
        return image
    return RegionOfImage(image, region)


def _cut(image: ReducedImage, region: PixelRegion, reduction: int) -> Pixels:
    """Return the part of a reduced image; its size is that of a reduced image of the region."""
    height, width = image.pixels.shape[:2]
    columns = _part(image.left + region.x, region.width, reduction, width)
    rows = _part(image.top + region.y, region.height, reduction, height)
    return np.array(image.pixels[rows, columns], order="C")  # a copy: the whole may go


def _part(start: int, length: int, reduction: int, side: int) -> slice:
    length = -(-length // reduction)
    first = min((2 * start + reduction) // (2 * reduction), side - length)
    return slice(first, first + length)
