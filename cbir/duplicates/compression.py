"""How coarsely an image was ever compressed: by its file, and by the traces in its pixels."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BLOCK = 8
"""Pixels a side of a JPEG's block."""

_UNKNOWN_LOSS = 40.0
"""The coarseness that is assumed of formats whose quantization is not read: JPEG of quality 80."""

STANDARD = {
    (0, 1): 11, (1, 0): 12, (1, 1): 12, (0, 2): 10, (2, 0): 14, (1, 2): 14, (2, 1): 13,
    (0, 3): 16, (3, 0): 14,
}  # fmt: skip
"""Steps of quantization of brightness at quality 50 (ITU-T T.81, annex K), by frequency: down,
across."""

_STEPS = np.arange(2, 41, dtype=np.float32)

_LEAST_VALUES, _FEW = 40, 400
"""Values from which on their regularity means something, and how many are tried first."""


def coarseness_of_file(data: bytes, format_: str) -> float:
    """Return how coarse the compression of a file is, by its header."""
    if format_ == "JPEG":
        try:
            with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
                tables: dict[int, list[int]] = getattr(image, "quantization", {})
        except Exception:  # what Pillow does not understand, OpenCV decoded
            return _UNKNOWN_LOSS
        if 0 not in tables:
            return _UNKNOWN_LOSS
        return _coarseness({at: tables[0][BLOCK * at[0] + at[1]] for at in STANDARD})
    lossy = format_ in ("AVIF", "HEIF", "JPEG2000", "JXL")
    return _UNKNOWN_LOSS if lossy or (format_ == "WEBP" and b"VP8 " in data[:64]) else 0.0


def coarseness_of_pixels(coefficients: NDArray[np.float32]) -> float:
    """Return how coarse a compression was whose traces the pixels carry.

    The coefficients of pixels that once were a JPEG file lie near multiples of its steps, even
    after it was saved as something else, or again at a better quality.
    """
    steps = {at: step for at in STANDARD if (step := _step(coefficients[:, *at]))}
    # A coincidence may show in one frequency; a table shows in most.
    return _coarseness(steps) if 2 * len(steps) > len(STANDARD) else 0.0


def _step(values: NDArray[np.float32]) -> int:
    """Return the largest step of which the values are multiples; 0 when there is none."""
    few = values[:: -(-len(values) // _FEW)]
    # Most steps are far from it, which a few of the values tell.
    near = np.flatnonzero(_regularity(few, _STEPS, otherwise=1) > 0.2)
    for step in _STEPS[near[::-1]]:
        if _regularity(values, step[None])[0] > 0.6:
            return int(step)
    return 0


def _regularity(
    values: NDArray[np.float32], steps: NDArray[np.float32], otherwise: float = 0
) -> NDArray[np.floating]:
    """Return how near the values are to multiples of each step: 1 at best, 0 by chance.

    `otherwise` is returned where too few are large enough to say.
    """
    some = np.abs(values) >= 0.45 * steps[:, None]
    count = some.sum(1)
    sums = (np.cos(2 * np.pi / steps[:, None] * values) * some).sum(1)
    return np.where(count >= _LEAST_VALUES, sums / np.maximum(count, 1), otherwise)


def steps_of(coarseness: float) -> NDArray[np.float64]:
    """Return the steps of quantization in the frequencies of :data:`STANDARD`.

    Examples
    --------
    >>> steps_of(100.0)[:3]
    array([11., 12., 12.])
    """
    return 1 + coarseness / 100 * (np.array(list(STANDARD.values())) - 1)


def _coarseness(steps: dict[tuple[int, int], int]) -> float:
    # A step of 1 loses no more than the rounding of pixels does.
    return 100 * float(np.median([(step - 1) / (STANDARD[at] - 1) for at, step in steps.items()]))
