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

from cbir.core.machine_code import AwaitedLoop, Loop
from cbir.images.pixels import WORKING_SIZES, Pixels

_LARGEST_SIDE = WORKING_SIZES[2]
"""Pixels; larger images are Pillow's: they would be copied as floats, of 8 times the size."""

_BITS = 22
_HALF = 1 << _BITS - 1
_ONE = 1 << _BITS
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
    rows, columns = image.shape[:2]
    # Across before down, as Pillow does but, since its version 13, with images that lose more
    # than twice as much height as width.
    across_first = rows - height <= 2 * (columns - width)
    if max(rows, columns) > _LARGEST_SIDE or not across_first:
        return np.asarray(_gray(image).resize((width, height), Image.Resampling.LANCZOS))
    to_gray, resample = _GRAY.after(1), _RESAMPLING.after(1)
    if to_gray is None or resample is None:
        levels = np.asarray(_gray(image)).astype(np.float64).T
        return _resampled(_resampled(levels, width).T, height).astype(np.uint8)
    gray = np.empty((rows, columns), np.uint8)
    to_gray(np.ascontiguousarray(image), gray.size, gray)
    across = np.empty((width, rows), np.uint8)
    sums = np.empty(max(rows, width), np.int32)
    resample(cv2.transpose(gray), rows, *_taps(columns, width), width, sums, across)
    small = np.empty((height, width), np.uint8)
    resample(cv2.transpose(across), width, *_taps(rows, height), height, sums, small)
    return small


def gray_levels(pixels, count, gray):  # type: ignore[no-untyped-def]
    """Do what :func:`_gray` does, as a compiled loop.

    Whole numbers below 2 ** 24, which floats hold exactly; a processor converts those sooner.
    """
    for i in range(count):
        level = (
            np.float32(19595) * np.float32(pixels[3 * i])
            + np.float32(38470) * np.float32(pixels[3 * i + 1])
            + np.float32(7471) * np.float32(pixels[3 * i + 2])
            + np.float32(32768)
        )
        gray[i] = np.uint8(np.int32(level) >> 16)


def resample(lines, length, firsts, counts, weights, size, sums, resampled):  # type: ignore[no-untyped-def]
    """Do what :func:`_resampled` does, as a compiled loop over lines of gray levels.

    Every line of the result is a sum of lines, by whole weights; 32 bits hold what Pillow sums.
    """
    weight = 0
    for place in range(size):
        for i in range(length):
            sums[i] = _HALF
        for line in range(firsts[place], firsts[place] + counts[place]):
            start = line * length
            for i in range(length):
                sums[i] += weights[weight] * lines[start + i]
            weight += 1
        for i in range(length):
            resampled[place * length + i] = min(max(sums[i] >> _BITS, 0), 255)


_GRAY = AwaitedLoop(
    Loop(gray_levels, ("uint8*", "int64", "uint8*"), is_exact=True),
    worth_loading=200,
    worth_compiling=1000,
)
_RESAMPLING = AwaitedLoop(
    Loop(
        resample,
        ("uint8*", "int64", "int64*", "int64*", "int32*", "int64", "int32*", "uint8*"),
        is_exact=True,
    ),
    worth_loading=200,
    worth_compiling=1000,
)
"""Work is images."""


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
    weights = _weights(before, after) / _ONE
    blocks = []
    for first in range(0, after, _BLOCK):
        block = slice(first, first + _BLOCK)
        used = np.flatnonzero(weights[block].any(axis=0))
        window = slice(int(used[0]), int(used[-1]) + 1)
        blocks.append((block, window, np.ascontiguousarray(weights[block, window])))
    return blocks


@lru_cache(maxsize=2 * _LARGEST_SIDE)
def _taps(
    before: int, after: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Return Pillow's weights for resampling `before` pixels to `after`.

    Returns
    -------
    firsts, counts : ndarray, shape (after,)
        Which pixels have a weight in each of the result.
    weights : ndarray, shape (sum of counts,)
        In multiples of the inverse of ``_ONE``.
    """
    weights = _weights(before, after)
    used = weights != 0
    firsts = used.argmax(axis=1)
    counts = before - used[:, ::-1].argmax(axis=1) - firsts
    taken = [row[first : first + n] for row, first, n in zip(weights, firsts, counts, strict=True)]
    return firsts, counts, np.concatenate(taken)


def _weights(before: int, after: int) -> NDArray[np.int32]:
    """Return the weight of each pixel (columns) in each of the result (rows)."""
    # What single bright pixels become, in Pillow's 32-bit mode, are the weights.
    impulses = Image.fromarray(_ONE * np.eye(before, dtype=np.int32))
    return np.asarray(impulses.resize((after, before), Image.Resampling.LANCZOS)).T
