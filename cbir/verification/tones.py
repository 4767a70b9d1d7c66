"""Undoing changes of gamma and contrast before two images are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbir.verification.planes import Plane

_PIXELS_A_TONE = 400
"""Pixels for each step of a tone curve, of which there are 8 to 64."""

_FEWEST_TONES = 20
"""Pixels that a step must rest on; it is interpolated otherwise."""

_WORTH_CURVES = 0.7
"""Tone curves are used when they leave less than this share of what a straight line leaves
unexplained: the comparison is by itself indifferent to lines."""


def with_equal_tones(
    fine: Plane, warped: Plane, coarse: Plane, inside: NDArray[np.bool_]
) -> tuple[Plane, Plane]:
    """Give one of two images the tones of the other.

    A change of gamma or contrast maps gray levels to others, and may clip the brightest and the
    darkest. The image that has more levels gets the other one's: what is clipped there is
    flat in both then. Each level becomes the median of what it meets in the other image,
    and brighter ones never become darker than it.

    Parameters
    ----------
    fine : ndarray of float32
        The finer image.
    warped, coarse : ndarray of float32, of one shape
        The finer image in the frame of the coarser one, and that.
    inside : ndarray of bool
        Where both are.

    Returns
    -------
    fine, coarse : ndarray of float32
        One of them is as it was.
    """
    area = int(inside.sum())
    levels = next((n for n in (64, 32, 16) if n * _PIXELS_A_TONE <= area), 8)
    step = 256 // levels
    a = np.clip(warped[inside], 0, 255).astype(np.intp) // step
    b = np.clip(coarse[inside], 0, 255).astype(np.intp) // step
    joint = np.bincount(a * levels + b, minlength=levels**2).reshape(levels, levels)
    forth, back = _tone_curve(joint), _tone_curve(joint.T)
    loss_forth, loss_back = _loss(joint, forth), _loss(joint.T, back)
    if min(loss_forth, loss_back) > _WORTH_CURVES * _loss(joint, None):
        return fine, coarse
    centers = (np.arange(levels) + 0.5) * step
    if loss_forth <= loss_back:
        return np.interp(fine, centers, forth * step).astype(np.float32), coarse
    return fine, np.interp(coarse, centers, back * step).astype(np.float32)


def _tone_curve(joint: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return, for each row of a joint histogram, the median column, made to rise."""
    counts = joint.sum(axis=1)
    half = counts[:, None] / 2
    reached = joint.cumsum(axis=1)
    column = (reached < half).sum(axis=1)
    before = np.take_along_axis(reached - joint, column[:, None], axis=1)[:, 0]
    within = np.take_along_axis(joint, column[:, None], axis=1)[:, 0]
    medians = column + (half[:, 0] - before) / np.maximum(within, 1)
    there = np.flatnonzero(counts > _FEWEST_TONES)
    if not len(there):
        return np.arange(len(counts), dtype=np.float64) + 0.5
    rising = np.maximum.accumulate(medians[there])
    return np.asarray(np.interp(np.arange(len(counts)), there, rising), np.float64)


def _loss(joint: NDArray[np.intp], curve: NDArray[np.float64] | None) -> float:
    """Return the share of the variance that a tone curve, or a line, leaves unexplained."""
    levels = np.arange(len(joint)) + 0.5
    share = joint / joint.sum()
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    centered = levels - columns @ levels
    variance = float(columns @ centered**2)
    if curve is None:
        across = levels - rows @ levels
        explained = float(across @ share @ centered) ** 2 / (float(rows @ across**2) + 1e-9)
        left = variance - explained
    else:
        left = float((share * (levels - curve[:, None]) ** 2).sum())
    return left / (variance + 1e-9)
