"""How much of a copy can be seen in the image that is kept."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from cbir.verification.geometry import Transform, inverted, pixels_inside, scale_of
from cbir.verification.planes import Gray, Mask, Plane, blurred, reduced

SMOOTHING = 1.2
"""Standard deviation, in pixels, of the blur before comparing: finer detail does not survive
strong compression."""

CELL = 15
"""Pixels along a side of the cells in which brightness and contrast may differ."""

UNEXPLAINED = 16.0
"""Gray levels (standard deviation in a cell) of what a copy shows and the kept image does not.
Strong compression and noise leave 8."""

CLIPPED = 16
"""Gray levels from black and white in which a copy may have lost what the kept image shows."""

BORDER_TOLERANCE = 12
"""Gray levels by which the pixels of a plain border may differ."""

LEAST_SHOWN = 0.99
"""Share that counts as all of an image: alignment is not exact to the pixel."""

_SPECKS = 0.005
"""Share of the pixels of a plain border that may differ by more: compression, and the edge."""

_EDGE = 3
"""Pixels along the edge of the kept image that interpolation makes unsure."""


FINE_SMOOTHING = 0.6
"""The same as :data:`SMOOTHING` for fine detail, such as letters whose strokes are a pixel wide."""

FINE_CELL = 7
"""Pixels along a side of a cell for fine detail: about the size of a small digit."""

FINE_UNEXPLAINED = 12.0
"""Gray levels, as :data:`UNEXPLAINED`. Of few samples: JPEG of quality 50 and more leaves
less, a changed digit of 12 pixels more."""

FINE_SHARE = 0.25
"""Share of a cell's variance that must be unexplained, too: compression and sharpening leave more
where there is more contrast."""

_LEAST_ACROSS = 3
"""Cells side by side that must differ: single ones do in photographs that were compressed strongly
or whose contrast was clipped."""

_BLURS = (1.0, 2.0, 3.5)
"""Standard deviations, in pixels, of blurs that a copy may have gone through."""

_SLIGHT_BLUR = 1.0
"""The same, of a blur that leaves of letters what they hide: a stronger one would explain them."""

_AROUND = 16
"""Pixels beyond a cell by which those around it may matter: blurs and shifts."""


def shown_share(kept: Gray, copy: Gray, transform: Transform) -> float:
    """Return the share of a copy that the kept image shows: 0 to 1.

    What lies outside of the kept image is not shown, unless it is plain, as padding is. Of what
    lies inside, a cell is not shown where the copy has contrast that no change of the kept image's
    brightness and contrast there explains: a caption, a logo. Nor is one where the kept image has
    such contrast, slightly blurred or not, and the copy is neither black nor white: a caption is on
    it.

    Parameters
    ----------
    kept, copy : ndarray of uint8, shape (height, width)
    transform : Transform
        From `kept` to `copy`.

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 255, (90, 120), dtype=np.uint8)
    >>> image = cv2.GaussianBlur(noise, (0, 0), 3)
    >>> round(shown_share(image[:, :60], image, np.eye(3)[:2]), 2)
    0.5
    """
    inside = footprint(copy, transform, kept)
    outside = _shows_anything(copy, ~inside)
    here, there = _overlaid(kept, copy, transform)
    sure = _sure(inside, 0)
    foreign = _unexplained(here, there, sure) | _covered(here, there, sure)
    return 1.0 - float((outside | foreign).mean())


def foreign_regions(kept: Gray, copy: Gray, transform: Transform) -> list[tuple[int, int]]:
    """Return the sizes of the places in which a copy shows fine detail that the kept image does
    not.

    Brightness and contrast may differ everywhere, and the place by a pixel; the copy may be
    blurred or sharpened. A digit that is another one is not explained by that.

    Parameters
    ----------
    kept, copy : ndarray of uint8, shape (height, width)
        About as large as they can be without showing less.
    transform : Transform
        From `kept` to `copy`.

    Returns
    -------
    list of (int, int)
        Width and height of each place in pixels of `copy`, the largest first.

    Examples
    --------
    >>> kept = np.full((90, 120), 250, np.uint8)
    >>> copy = cv2.putText(kept.copy(), "7", (50, 50), cv2.FONT_HERSHEY_PLAIN, 1, 0)
    >>> len(foreign_regions(kept, copy, np.eye(3)[:2]))
    1
    >>> foreign_regions(copy, cv2.GaussianBlur(copy, (0, 0), 1), np.eye(3)[:2])
    []
    """
    foreign = _foreign(kept, copy, transform)
    # The detail of a plain crop is as sharp as that of the whole: interpolation blurs it.
    snapped = _snapped(transform, copy.shape)
    if snapped is not None and foreign.any():
        foreign &= _foreign(kept, copy, snapped)
    return _regions(foreign) if foreign.any() else []


def _foreign(kept: Gray, copy: Gray, transform: Transform) -> Mask:
    """Return the cells of fine detail that no variant of the kept image explains."""
    here, there = _overlaid(kept, copy, transform)
    foreign = _sure(footprint(copy, transform, kept), FINE_CELL)
    foreign &= _differs(here, there)
    if not foreign.any():
        return foreign
    toned = _toned(here, there)
    x, y, width, height = cv2.boundingRect(foreign.astype(np.uint8))
    margin = FINE_CELL + _AROUND
    rows = slice(max(y - margin, 0), y + height + margin)
    columns = slice(max(x - margin, 0), x + width + margin)
    part, there = foreign[rows, columns], there[rows, columns]
    for variant in _variants(here[rows, columns], toned[rows, columns]):
        part &= _differs(variant, there)
        if not part.any():
            break
    return foreign


def _snapped(transform: Transform, shape: tuple[int, ...]) -> Transform | None:
    """Return a transform that moves by whole pixels, if that is at most a pixel from this one."""
    linear, shift = transform[:, :2], transform[:, 2]
    middle = np.array(shape[1::-1], np.float64) / 2
    if (np.abs(linear - np.eye(2)) @ middle > 1).any():
        return None
    return np.column_stack([np.eye(2), np.rint(linear @ middle + shift - middle)])


def _variants(plane: Plane, toned: Plane) -> Iterator[Plane]:
    """Yield what a copy may have become, beside local changes of brightness and contrast.

    What is displaced keeps its levels: a tone curve cannot be told from such a pair.
    """
    yield toned
    softened = [blurred(toned, blur) for blur in _BLURS]
    yield from softened
    yield np.clip(2 * toned - softened[0], 0, 255)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if down or right:
                yield np.roll(plane, (down, right), (0, 1))


def _differs(here: Plane, there: Plane) -> Mask:
    """Return the cells of fine detail in which one has contrast that is not in the other."""
    here, there = (blurred(one, FINE_SMOOTHING) for one in (here, there))

    def means(plane: Plane) -> Plane:
        return np.asarray(cv2.blur(plane, (FINE_CELL, FINE_CELL)), np.float32)

    here_mean, there_mean = means(here), means(there)
    both = np.maximum(means(here * there) - here_mean * there_mean, 0)  # a negative is another
    kept = np.maximum(means(here * here) - here_mean**2, 1)
    shown = means(there * there) - there_mean**2
    rest = shown - both * both / kept
    return np.asarray(rest > np.maximum(FINE_UNEXPLAINED**2, FINE_SHARE * shown), np.bool_)


def _toned(here: Plane, there: Plane) -> Plane:
    """Return an image with the levels that another one mostly has at the same places."""
    levels = np.clip(np.rint(here), 0, 255).astype(np.uint8)
    count = np.bincount(levels.ravel(), minlength=256)
    sums = np.bincount(levels.ravel(), there.ravel(), minlength=256)
    used = np.flatnonzero(count)
    curve = np.interp(np.arange(256), used, sums[used] / count[used])
    return np.asarray(cv2.LUT(levels, curve.astype(np.float32)), np.float32)


def _regions(foreign: Mask) -> list[tuple[int, int]]:
    """Return width and height of what lies together, the largest first."""
    near = cv2.dilate(foreign.astype(np.uint8), np.ones((FINE_CELL, FINE_CELL), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(near)
    sizes = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].tolist()
    least = FINE_CELL - 1 + _LEAST_ACROSS
    large = [(w, h) for w, h in sizes if max(w, h) >= least]
    return sorted(large, key=lambda size: (-size[0] * size[1], size))


def footprint(copy: Gray, transform: Transform, kept: Gray) -> Mask:
    """Return where the pixels of a copy lie in the kept image, in the frame of the copy."""
    return pixels_inside(copy.shape, inverted(transform), kept.shape)


def _shows_anything(copy: Gray, outside: Mask) -> Mask:
    """Return those of the parts outside that show anything."""
    count, labels = cv2.connectedComponents(outside.astype(np.uint8), connectivity=4)
    shows = np.zeros(count, np.bool_)
    core = cv2.erode(outside.astype(np.uint8), np.ones((2 * _EDGE + 1,) * 2, np.uint8)) > 0
    for label in range(1, count):
        part = labels == label
        values = copy[part & core].astype(np.int16)
        if not len(values):  # a sliver
            values = copy[part].astype(np.int16)
        deviation = np.abs(values - np.median(values)) > BORDER_TOLERANCE
        shows[label] = deviation.mean() > _SPECKS
    return np.asarray(shows[labels], np.bool_)


def _unexplained(here: Plane, there: Plane, sure: Mask) -> Mask:
    """Return the cells in which the second image has contrast that is not in the first."""
    here, there = (blurred(one, SMOOTHING) for one in (here, there))
    weight = sure.astype(np.float32)
    count = np.maximum(_sums(weight), 1)

    def means(plane: Plane) -> Plane:
        return np.asarray(_sums(plane * weight) / count, np.float32)

    here, there = here - means(here), there - means(there)
    both, kept = means(here * there), np.maximum(means(here * here), 1)
    rest = np.maximum(means(there * there) - both * both / kept, 0)
    return np.asarray((rest > UNEXPLAINED**2) & sure, np.bool_)


def _covered(kept: Plane, copy: Plane, sure: Mask) -> Mask:
    """Return the cells in which the kept image has something on it that hides what a copy shows."""
    covered = sure & (copy > CLIPPED) & (copy < 255 - CLIPPED)
    for plane in (kept, blurred(kept, _SLIGHT_BLUR)):
        covered &= _unexplained(copy, plane, sure)
        if not covered.any():
            break
    return covered


def _overlaid(kept: Gray, copy: Gray, transform: Transform) -> tuple[Plane, Plane]:
    """Return both in the frame of the copy, with the detail of the coarser one."""
    scale = scale_of(transform)
    moved = cv2.warpAffine(
        reduced(kept, scale), transform, copy.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.float32), reduced(copy, 1 / scale)


def _sure(inside: Mask, further: int) -> Mask:
    """Return what interpolation at the edge of the kept image does not touch."""
    edge = np.ones((2 * (_EDGE + further) + 1,) * 2, np.uint8)
    return np.asarray(cv2.erode(inside.astype(np.uint8), edge, borderValue=1) > 0, np.bool_)


def _sums(plane: Plane) -> Plane:
    size, border = (CELL, CELL), cv2.BORDER_CONSTANT
    return np.asarray(cv2.boxFilter(plane, -1, size, normalize=False, borderType=border))
