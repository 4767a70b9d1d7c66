"""Least-squares transforms between points that belong to each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbir.verification.geometry import Transform

Points = NDArray[np.float64]
"""Shape (n, 2): x and y."""

Projective = NDArray[np.float64]
"""Shape (3, 3): maps ``(x, y, 1)`` of the first image to multiples of ``(x, y, 1)``."""


def fit_similarity(a: Points, b: Points) -> Transform | None:
    """Return the rotation, scale and shift that lead from `a` to `b`; None for a single place."""
    here, there = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    centered = here - here.mean()
    spread = float((np.abs(centered) ** 2).sum())
    if spread < 1:
        return None
    factor = complex((centered.conj() * (there - there.mean())).sum() / spread)
    shift = complex(there.mean() - factor * here.mean())
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )


def fit_affine(a: Points, b: Points) -> Transform | None:
    """Return the affine transform from `a` to `b`; a similarity for points on a line.

    Examples
    --------
    >>> square = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    >>> (fit_affine(square, square * [2, 3] + 5).round(9) + 0).tolist()
    [[2.0, 0.0, 5.0], [0.0, 3.0, 5.0]]
    """
    design = np.column_stack([a, np.ones(len(a))])
    solution, _, rank, _ = np.linalg.lstsq(design, b, rcond=None)
    if rank < 3 or abs(np.linalg.det(solution[:2])) < 1e-4:
        return fit_similarity(a, b)
    return np.ascontiguousarray(solution.T)


def fit_homography(a: Points, b: Points) -> Projective | None:
    """Return the homography from `a` to `b`, of four points or more; None where there is none.

    The normalized direct linear transformation.

    References
    ----------
    R. Hartley, "In defense of the eight-point algorithm", PAMI 19(6), 1997, for the normalization;
    R. Hartley, A. Zisserman, "Multiple view geometry in computer vision", 2nd ed., 2004, section 4.

    Examples
    --------
    >>> square = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    >>> bent = square / (1 + square.sum(axis=1, keepdims=True) / 4)
    >>> (fit_homography(square, bent).round(9) + 0).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 1.0]]
    """
    if len(a) < 4:
        return None
    before, after = _normalization(a), _normalization(b)
    if before is None or after is None:
        return None
    (x, y), (u, v) = (a * before[0, 0] + before[:2, 2]).T, (b * after[0, 0] + after[:2, 2]).T
    one, nothing = np.ones_like(x), np.zeros_like(x)
    design = np.concatenate(
        [
            np.column_stack([x, y, one, nothing, nothing, nothing, -u * x, -u * y, -u]),
            np.column_stack([nothing, nothing, nothing, x, y, one, -v * x, -v * y, -v]),
        ]
    )
    # The vector that the design maps to the shortest: of the smallest eigenvalue.
    _, vectors = np.linalg.eigh(design.T @ design)
    transform = np.linalg.solve(after, vectors[:, 0].reshape(3, 3) @ before)
    if abs(transform[2, 2]) < 1e-9 * np.abs(transform).max():
        return None
    return np.asarray(transform / transform[2, 2])


def _normalization(points: Points) -> Projective | None:
    """Return what brings the center to 0 and the mean square distance from it to 2."""
    center = points.mean(axis=0)
    spread = float(((points - center) ** 2).sum(axis=1).mean())
    if spread < 1e-12:
        return None
    scale = np.sqrt(2 / spread)
    return np.array([[scale, 0, -scale * center[0]], [0, scale, -scale * center[1]], [0, 0, 1.0]])
