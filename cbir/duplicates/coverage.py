"""How much of a copy can be seen in the image that is kept."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.verification.alignment import Transform, scale_of

Gray = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SMOOTHING = 1.2
"""Standard deviation, in pixels, of the blur before comparing: finer detail does not survive
strong compression."""

CELL = 15
"""Pixels along a side of the cells in which brightness and contrast may differ."""

UNEXPLAINED = 16.0
"""Gray levels (standard deviation in a cell) of what a copy shows and its keeper does not. Strong
compression and noise leave 8."""

PLAIN = 12
"""Gray levels by which the pixels of a plain border may differ."""

_SPECKS = 0.005
"""Share of the pixels of a plain border that may differ by more: compression, and the edge."""

_EDGE = 3
"""Pixels along the edge of the kept image that interpolation makes unsure."""


def shown_share(keeper: Gray, copy: Gray, transform: Transform) -> float:
    """Return the share of a copy that its keeper shows: 0 to 1.

    What lies outside of the keeper is not shown, unless it is plain, as padding is. Of what lies
    inside, a cell is not shown where the copy has contrast that no change of the keeper's
    brightness and contrast there explains: a caption, a logo.

    Parameters
    ----------
    keeper, copy : ndarray of uint8, shape (height, width)
    transform : Transform
        From `keeper` to `copy`.

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 255, (90, 120), dtype=np.uint8)
    >>> image = cv2.GaussianBlur(noise, (0, 0), 3)
    >>> round(shown_share(image[:, :60], image, np.eye(3)[:2]), 2)
    0.5
    """
    inside = footprint(copy, transform, keeper)
    outside = _not_plain(copy, ~inside)
    foreign = _unexplained(keeper, copy, transform, inside)
    return 1.0 - float((outside | foreign).mean())


def footprint(copy: Gray, transform: Transform, keeper: Gray) -> Mask:
    """Return where the pixels of a copy lie in its keeper, in the frame of the copy."""
    back = cv2.invertAffineTransform(transform)
    rows, columns = np.ogrid[: copy.shape[0], : copy.shape[1]]
    x, y = (a * columns + b * rows + c for a, b, c in back)
    height, width = keeper.shape
    # A pixel's center is half a pixel away from the edge.
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return np.asarray(inside, np.bool_)


def _not_plain(copy: Gray, outside: Mask) -> Mask:
    """Return those of the parts outside that show anything."""
    count, labels = cv2.connectedComponents(outside.astype(np.uint8), connectivity=4)
    shows = np.zeros(count, np.bool_)
    core = cv2.erode(outside.astype(np.uint8), np.ones((2 * _EDGE + 1,) * 2, np.uint8)) > 0
    for label in range(1, count):
        part = labels == label
        values = copy[part & core].astype(np.int16)
        if not len(values):  # a sliver
            values = copy[part].astype(np.int16)
        apart = np.abs(values - np.median(values)) > PLAIN
        shows[label] = apart.mean() > _SPECKS
    return np.asarray(shows[labels], np.bool_)


def _unexplained(keeper: Gray, copy: Gray, transform: Transform, inside: Mask) -> Mask:
    """Return the cells in which the copy has contrast that is not in the keeper."""
    scale = scale_of(transform)
    moved = cv2.warpAffine(
        _coarsened(keeper, scale), transform, copy.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    )
    here = cv2.GaussianBlur(moved, (0, 0), SMOOTHING)
    there = cv2.GaussianBlur(_coarsened(copy, 1 / scale), (0, 0), SMOOTHING)
    edge = np.ones((2 * _EDGE + 1,) * 2, np.uint8)
    sure = cv2.erode(inside.astype(np.uint8), edge, borderValue=1).astype(np.float32)
    count = np.maximum(_sums(sure), 1)

    def means(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(_sums(plane * sure) / count, np.float32)

    here, there = here - means(np.asarray(here)), there - means(np.asarray(there))
    both, kept = means(here * there), np.maximum(means(here * here), 1)
    rest = np.maximum(means(there * there) - both * both / kept, 0)
    return np.asarray((rest > UNEXPLAINED**2) & (sure > 0), np.bool_)


def _coarsened(gray: Gray, scale: float) -> NDArray[np.float32]:
    """Take away the detail that an image loses when it is shrunk to `scale`."""
    plane = gray.astype(np.float32)
    if scale > 0.9:
        return plane
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), 0.5 * float(np.sqrt(1 / scale**2 - 1))))


def _sums(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    size, border = (CELL, CELL), cv2.BORDER_CONSTANT
    return np.asarray(cv2.boxFilter(plane, -1, size, normalize=False, borderType=border))
