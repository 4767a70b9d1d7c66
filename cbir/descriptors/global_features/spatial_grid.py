"""The regions of an image that are described one by one, so that it matters where things are."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Layout = Literal["grid", "none"]
"""``grid``: the whole image, its four quarters and its center; ``none``: the whole image."""

Place = tuple[slice, slice]


def regions_of(layout: Layout) -> int:
    """Return the number of regions.

    Examples
    --------
    >>> regions_of("grid"), regions_of("none")
    (6, 1)
    """
    return 6 if layout == "grid" else 1


@lru_cache(maxsize=32)
def first_bins(height: int, width: int, cells: int, bins: int) -> NDArray[np.intp]:
    """Return the first bin of the cell in which every pixel is, when each cell has some bins.

    Parameters
    ----------
    height, width : int
        Of the image.
    cells : int
        A side of the grid of cells.
    bins : int
        Of a cell.

    Returns
    -------
    ndarray of int, shape (height, width)
        Cells are numbered row by row. Not to be written to.

    Examples
    --------
    >>> first_bins(2, 3, cells=2, bins=10)
    array([[ 0,  0, 10],
           [20, 20, 30]])
    """
    row, column = (np.arange(length) * cells // length for length in (height, width))
    return (row[:, None] * cells + column[None]) * bins


def over_regions(
    layout: Layout, shape: tuple[int, ...], count: Callable[[Place], NDArray[Any]]
) -> NDArray[Any]:
    """Count what is in each region.

    Parameters
    ----------
    layout : {"grid", "none"}
    shape : tuple of int
        Of the image: height and width come first.
    count : callable
        Counts what is at a place, which is empty for a half of an image one pixel wide: an array
        of shape (n,). What is counted in the whole is the sum of what is counted in the quarters.

    Returns
    -------
    ndarray, shape (regions, n)
        The whole; in a grid, the quarters row by row and the center after it.

    Examples
    --------
    >>> image = np.arange(16).reshape(4, 4)
    >>> over_regions("grid", (4, 4), lambda place: image[place].sum(keepdims=True)[0]).ravel()
    array([120,  10,  18,  42,  50,  30])
    """
    height, width = shape[:2]
    if layout == "none":
        return count((slice(0, height), slice(0, width)))[None]
    top, bottom = slice(0, height // 2), slice(height // 2, height)
    left, right = slice(0, width // 2), slice(width // 2, width)
    quarters = [count((down, across)) for down in (top, bottom) for across in (left, right)]
    down, across = height // 4, width // 4
    center = count((slice(down, height - down), slice(across, width - across)))
    return np.stack([sum(quarters[1:], quarters[0]), *quarters, center])
