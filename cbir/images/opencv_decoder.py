"""Decode JPEG and PNG with OpenCV; a JPEG at a half, a quarter or an eighth where that will do."""

from __future__ import annotations

import cv2
import numpy as np

from cbir.images.pixels import Pixels

LARGEST_SIDE = 1 << 20
"""Pixels; OpenCV decodes nothing wider or higher."""

_REDUCTIONS = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
_LARGEST_FIRST = sorted(_REDUCTIONS, reverse=True)


def jpeg_reduction(longest: int, size: int | None) -> int:
    """Return the largest of JPEG's own reductions of a side that leaves at least `size`.

    Examples
    --------
    >>> jpeg_reduction(1000, 256), jpeg_reduction(200, 256), jpeg_reduction(200, None)
    (2, 1, 1)
    """
    if size is not None and longest > size:
        for reduction in _LARGEST_FIRST:
            if -(-longest // reduction) >= size:
                return reduction
    return 1


def decode_with_opencv(data: bytes, reduction: int) -> Pixels | None:
    """Decode an image, not yet turned upright; None when that fails, whatever the reason."""
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | _REDUCTIONS[reduction]
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)  # type: ignore[return-value]
    except cv2.error:
        return None
