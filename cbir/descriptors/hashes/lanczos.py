"""Thumbnails in gray: to the last pixel what Pillow gives, in half of its time.

Hashes are of images resampled by Pillow, so a thumbnail that differs in one pixel is another
hash. Pillow computes with whole numbers, which leaves nothing to chance: so does this.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cbir.images.pixels import WORKING_SIZES, Pixels

_LARGEST_SIDE = WORKING_SIZES[2]
"""Pixels; larger images are Pillow's: they would be copied as floats, of 8 times the size."""

_ONE = 1 << 22
"""Pillow's weights are whole multiples of its inverse. Those times pixels, summed, stay far below
2 ** 53, so sums of floats are exact, in whatever order a processor adds them."""

_BLOCK = 8
"""Pixels of a thumbnail that are computed at once, from a window that serves them all."""


def gray_thumbnail(image: Pixels, width: int, height: int) -> Pixels:
    """Resize an RGB image, in gray and by Lanczos resampling, as the ImageHash library does.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
    width, height : int
        Of the thumbnail, in pixels.

    Returns
    -------
    ndarray of uint8, shape (height, width)

    Examples
    --------
    >>> gray_thumbnail(np.full((20, 30, 3), 7, np.uint8), 2, 1).tolist()
    [[7, 7]]
    """
    gray = _gray(image)
    # Across before down, as Pillow does but, since its version 13, with images that lose more
    # than twice as much height as width.
    across_first = gray.height - height <= 2 * (gray.width - width)
    if max(gray.size) > _LARGEST_SIDE or not across_first:
        return np.asarray(gray.resize((width, height), Image.Resampling.LANCZOS))
    columns = np.asarray(gray).astype(np.float64).T
    return _resampled(_resampled(columns, width).T, height).astype(np.uint8)


def _gray(image: Pixels) -> Image.Image:
    height, width = image.shape[:2]
    # Four bytes a pixel are Pillow's own layout: it need not copy them.
    padded = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)
    return Image.frombuffer("RGBX", (width, height), padded, "raw", "RGBX", 0, 1).convert("L")


def _resampled(pixels: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Resample gray levels along the first axis, and round them, to `size`."""
    resampled = np.empty((size, pixels.shape[1]))
    for block, window, weights in _windows(len(pixels), size):
        np.matmul(weights, pixels[window], out=resampled[block])
    resampled += 0.5
    return np.clip(np.floor(resampled, out=resampled), 0, 255, out=resampled)


@lru_cache(maxsize=2 * _LARGEST_SIDE)
def _windows(before: int, after: int) -> list[tuple[slice, slice, NDArray[np.float64]]]:
    """Return Pillow's weights for resampling `before` pixels to `after`, in blocks.

    Returns
    -------
    list of (block, window, weights)
        The pixels `block` are the product of the weights with the pixels `window`: all others
        have no weight in them.
    """
    # What single bright pixels become, in Pillow's 32-bit mode, are the weights.
    impulses = Image.fromarray(_ONE * np.eye(before, dtype=np.int32))
    weights = np.asarray(impulses.resize((after, before), Image.Resampling.LANCZOS)).T / _ONE
    blocks = []
    for first in range(0, after, _BLOCK):
        block = slice(first, first + _BLOCK)
        used = np.flatnonzero(weights[block].any(axis=0))
        window = slice(int(used[0]), int(used[-1]) + 1)
        blocks.append((block, window, np.ascontiguousarray(weights[block, window])))
    return blocks
