"""Homographies between two images, and which of them photographs of one thing can have."""

from __future__ import annotations

import numpy as np

from cbir.verification.transform_fitting import Points, Projective

LARGEST_STRETCH = 4.0
"""How much more a thing may be enlarged in one direction than in another: seen from 75 degrees
aside, it is a quarter as wide."""

LARGEST_SCALE = 10.0
"""How much larger a thing may be in one image than in the other."""

LARGEST_CHANGE = 8.0
"""How many times as large, by area, one corner of it may become than another one."""


def mapped(transform: Projective, points: Points) -> Points:
    """Return where a homography puts points; not finite for those on its horizon.

    Examples
    --------
    >>> mapped(np.array([[2.0, 0, 1], [0, 2, 0], [0, 0, 1]]), np.array([[3.0, 4]])).tolist()
    [[7.0, 8.0]]
    """
    there = points @ transform[:, :2].T + transform[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(there[:, :2] / there[:, 2:])


def jacobian(transform: Projective, x: float, y: float) -> Projective:
    """Return the linear part, shape (2, 2), of a homography around a point."""
    u, v, w = transform @ (x, y, 1.0)
    return np.asarray((transform[:2, :2] - np.outer((u / w, v / w), transform[2, :2])) / w)


def is_plausible(transform: Projective, corners: Points) -> bool:
    """Say whether a homography may lead from one photograph of a thing to another one.

    It may not mirror, flatten or zoom hugely, nor bend a part of the thing behind the camera.

    Parameters
    ----------
    transform : ndarray of float64, shape (3, 3)
    corners : ndarray of float64, shape (n, 2)
        Of the thing, in the first image.

    Examples
    --------
    >>> square = np.array([[0.0, 0], [9, 0], [9, 9], [0, 9]])
    >>> [is_plausible(np.diag(one), square) for one in ([1.0, 2, 1], [1, 9, 1], [-1, 1, 1])]
    [True, False, False]
    """
    if not np.isfinite(transform).all():
        return False
    depths = corners @ transform[2, :2] + transform[2, 2]
    if (depths <= 1e-6).any():
        return False
    areas = []
    for x, y in corners:
        linear = jacobian(transform, x, y)
        area = float(np.linalg.det(linear))
        if not LARGEST_SCALE**-2 < area < LARGEST_SCALE**2:
            return False
        largest, smallest = np.linalg.svd(linear, compute_uv=False)
        if largest > LARGEST_STRETCH * smallest:
            return False
        areas.append(area)
    return max(areas) <= LARGEST_CHANGE * min(areas)


def is_line(points: Points, least: float) -> bool:
    """Say whether points lie so near to one line that they fix no affine transform.

    Parameters
    ----------
    points : ndarray of float64, shape (n, 2)
    least : float
        Standard deviation across the line, in pixels, below which they do.
    """
    centered = points - points.mean(axis=0)
    smallest = float(np.linalg.eigvalsh(centered.T @ centered / len(points))[0])
    return smallest < least**2
