"""Spreading keypoints over an image."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray


def place_within(groups: NDArray[np.intp], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the place of each element among those of its group, in the given order.

    Examples
    --------
    >>> place_within(np.array([7, 5, 7, 7]), np.array([3, 1, 2, 0]))
    array([2, 0, 1, 0])
    """
    sorted_ = order[np.argsort(groups[order], kind="stable")]
    in_order = groups[sorted_]
    starts = np.flatnonzero(np.r_[True, in_order[1:] != in_order[:-1]])
    lengths = np.diff(np.r_[starts, len(groups)])
    places = np.empty(len(groups), np.intp)
    places[sorted_] = np.arange(len(groups)) - np.repeat(starts, lengths)
    return places


def strongest(keypoints: Sequence[cv2.KeyPoint], count: int) -> NDArray[np.intp]:
    """Return the places of the `count` strongest keypoints, the strongest first."""
    x, y = np.array([keypoint.pt for keypoint in keypoints]).reshape(-1, 2).T
    strength = np.array([keypoint.response for keypoint in keypoints])
    direction = np.array([keypoint.angle for keypoint in keypoints])
    return np.lexsort((direction, y, x, -strength))[:count]
