"""What a copy shows differently from the image that is kept, to be seen at a glance."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cbir.images.pixels import Pixels
from cbir.verification.geometry import Transform, inverted, pixels_inside, scale_of
from cbir.verification.planes import Gray, Mask, Plane, blurred, gray_of, reduced

SMOOTHING = 1.0
"""Standard deviation, in pixels, of the blur before comparing: recompression changes what is
finer."""

SLIGHT, STRONG = 12.0, 72.0
"""Gray levels: less is not shown, more is shown no stronger."""

_UNSURE = 5
"""Pixels along the edge of the kept image in which interpolation mixes it with nothing."""

_ROUNDS = 4
_OUTLIER = 2.5
"""Mean absolute deviations beyond which a pixel has no say about the brightness."""

_LEAST_GAIN, _LARGEST_GAIN = 0.25, 4.0
_FEWEST_PIXELS = 64

_COOL, _HOT = np.array((255, 190, 0), np.float32), np.array((214, 0, 50), np.float32)
_STRIPES = np.array([(40, 96, 210), (145, 178, 240)], np.float32)
_STRIPE = 8
"""Pixels."""

_VEIL = 0.75
"""How much of what the kept image does not show the stripes hide."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A copy compared with the kept image, pixel by pixel.

    Attributes
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        The copy in gray. From yellow to red where its lightness differs; striped in blue where
        the kept image shows nothing.
    changed : float
        Share of what both show that differs: 0 to 1.
    shown : float
        Share of the kept image that the copy shows: 0 to 1.
    added : float
        Share of the copy that the kept image does not show: 0 to 1.
    """

    image: Pixels
    changed: float
    shown: float
    added: float


def difference(kept: Pixels, copy: Pixels, transform: Transform) -> Difference:
    """Compare a copy with the kept image.

    The kept image is brought into the copy's frame, and its brightness and contrast to the
    copy's, by least squares that leave out what differs most. A pixel of the copy then differs by
    how far it lies outside of what the kept image has right around that place: so edges do not
    differ for being half a pixel aside.

    Parameters
    ----------
    kept, copy : ndarray of uint8, shape (height, width, 3)
        Upright RGB, each at its working size.
    transform : Transform
        From `kept` to `copy`.

    References
    ----------
    S. Birchfield, C. Tomasi, "A pixel dissimilarity measure that is insensitive to image
    sampling", IEEE Transactions on Pattern Analysis and Machine Intelligence 20(4), 1998, for the
    range around a pixel.

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 255, (60, 80, 1), np.uint8)
    >>> kept = np.repeat(cv2.blur(noise, (9, 9))[:, :, None], 3, axis=2)
    >>> copy = kept // 2 + 40
    >>> copy[20:40, 20:60] = 255
    >>> found = difference(kept, copy, np.eye(3)[:2])
    >>> 0.15 < found.changed < 0.25, found.shown, found.added
    (True, 1.0, 0.0)
    """
    covered = pixels_inside(copy.shape, inverted(transform), kept.shape)
    seen = pixels_inside(kept.shape, transform, copy.shape)
    scale = max(1e-3, scale_of(transform))
    size = copy.shape[1], copy.shape[0]
    moved = cv2.warpAffine(
        reduced(gray_of(kept), scale), transform, size, borderMode=cv2.BORDER_REPLICATE
    )
    here = blurred(np.asarray(moved, np.float32), SMOOTHING)
    there = blurred(reduced(gray_of(copy), 1 / scale), SMOOTHING)
    edge = np.ones((_UNSURE, _UNSURE), np.uint8)
    sure = cv2.erode(covered.astype(np.uint8), edge, borderValue=1) > 0
    here = _like(here, there, sure)
    cross = np.ones((3, 3), np.uint8)
    above, below = there - cv2.dilate(here, cross), cv2.erode(here, cross) - there
    deviation = np.maximum(np.maximum(above, below), 0) * sure
    return Difference(
        image=_drawn(gray_of(copy), np.asarray(deviation, np.float32), covered),
        changed=float((deviation > SLIGHT).sum() / max(1, int(sure.sum()))),
        shown=float(seen.mean()),
        added=float((~covered).mean()),
    )


def _like(here: Plane, there: Plane, sure: Mask) -> Plane:
    """Bring the brightness and contrast of `here` to those of `there`, where both are sure."""
    x, y = here[sure].astype(np.float64), there[sure].astype(np.float64)
    gain, bias, kept = 1.0, 0.0, np.ones(len(x), bool)
    for _ in range(_ROUNDS):
        if int(kept.sum()) < _FEWEST_PIXELS:
            break
        spread = float(x[kept].var())
        covariance = float(((x[kept] - x[kept].mean()) * (y[kept] - y[kept].mean())).mean())
        # A flat image has no contrast that could be measured.
        gain = min(max(covariance / spread, _LEAST_GAIN), _LARGEST_GAIN) if spread > 4 else 1.0
        bias = float(np.median(y[kept] - gain * x[kept]))
        miss = np.abs(y - gain * x - bias)
        kept = miss <= _OUTLIER * max(1.0, float(miss[kept].mean()))
    return (here * np.float32(gain) + np.float32(bias)).astype(np.float32)


def _drawn(gray: Gray, deviation: Plane, covered: Mask) -> Pixels:
    # Less contrast leaves the colors theirs, on dark and light copies.
    paper = np.repeat((70 + np.float32(0.55) * gray)[:, :, None], 3, axis=2)
    rows, columns = np.indices(gray.shape)
    stripes = _STRIPES[(rows + columns) // _STRIPE % 2]
    absent = np.float32(_VEIL) * ~covered[:, :, None]
    paper = paper * (1 - absent) + stripes * absent
    strength = np.clip((deviation - SLIGHT) / (STRONG - SLIGHT), 0, 1)
    # Thin strokes stay visible when the image is shrunk.
    strength = cv2.GaussianBlur(cv2.dilate(strength, np.ones((3, 3), np.uint8)), (0, 0), 0.8)
    heat = np.asarray(strength)[:, :, None]
    cover = np.minimum(1, 2.5 * heat)
    return np.asarray(
        np.clip(paper * (1 - cover) + (_COOL + (_HOT - _COOL) * heat) * cover, 0, 255), np.uint8
    )
