"""Images as planes of one channel, on which pixels are compared."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.images.pixels import Pixels

Gray = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]


def gray_of(pixels: Pixels) -> Gray:
    """Return the brightness of an RGB image."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def blurred(plane: Gray | Plane, sigma: float) -> Plane:
    """Blur with a Gaussian of a standard deviation in pixels."""
    return np.asarray(cv2.GaussianBlur(plane.astype(np.float32, copy=False), (0, 0), sigma))


def reduced(gray: Gray | Plane, scale: float) -> Plane:
    """Take away the detail that an image loses when it is shrunk to `scale`, of at most 1.

    Sampling it at that scale does not alias then.
    """
    if scale >= 0.9:
        return gray.astype(np.float32, copy=False)
    return blurred(gray, 0.5 * float(np.sqrt(1 / scale**2 - 1)))
