"""Which of two images of the same scene is better.

The number of pixels says little: an enlarged image has more of them and shows nothing more. Two
images of the same scene are compared by the power of their spectra instead. An image that really
is larger holds power at frequencies that the smaller one cannot hold, about as much as the smaller
one holds at the highest of its own. If there is much less, it is an enlargement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.duplicates.compression import BLOCK, steps_of
from cbir.duplicates.coverage import LEAST_SHOWN
from cbir.duplicates.detail import ImageDetail

_MANY_COLORS = 0.02
"""Different colors, as a share of the pixels, from which an image is a photograph."""

_EXTRA, _LEAST_EXTRA = 0.45, 0.2
"""Power beyond the highest frequencies of a smaller copy, as a part of what is expected there, that
makes the larger one more than an enlargement: the first divided by the scale, as interpolation
leaves more where the scale is small. See ``benchmarks/keep_policy.py``."""

_NEAR, _FAR = 4.0, 8.0
"""Scales: up to the first two images are compared as they are; from the second on the larger one is
better. What is enlarged that much is rare, and nothing is lost when it is kept."""

_UNBLURRED = (0.5, 0.7)
"""Frequencies of a smaller image that its enlargement holds about as well."""

_DECLINE = 2.5
"""How the power of natural images declines: with this power of the frequency."""

_MORE_BANDWIDTH = 1.25
"""Ratio of the highest frequencies with content from which one of two images shows more."""

_COARSER, _MUCH_COARSER = 1.15, 6.0
"""Ratio of quantization from which one of two images is compressed more: where it shows which one
was made of the other, and where it does not."""

_ROUNDING = 1.0
"""Difference of coefficients that the rounding of pixels makes."""

_EXPLAINED = 0.75
"""Part of the coefficients that a quantization explains at least, where it made the difference."""

_STEPPED = 120.0
"""The coarseness from which the steps between blocks are higher than fine detail."""


@dataclass(frozen=True, slots=True)
class RelativeGeometry:
    """How the pixels of an image lie to those of another one of the same scene.

    Attributes
    ----------
    scale : float
        Its pixels along a side of what is one pixel of the other.
    same_grid : bool
        Each lies where one of the other lies: none of both was cropped, turned or resized.
    shown : float
        Share of a third image that it shows, which others are compared with as well.
    """

    scale: float = 1.0
    same_grid: bool = True
    shown: float = 1.0

    def relative_to(self, other: RelativeGeometry) -> RelativeGeometry:
        """Return the relation to another image, of which that to the same third one is given."""
        same_grid = self.same_grid and other.same_grid
        return RelativeGeometry(
            self.scale / other.scale, same_grid, self.shown / max(other.shown, 1e-3)
        )


def compare_quality(first: ImageDetail, second: ImageDetail, geometry: RelativeGeometry) -> int:
    """Say which of two images of the same scene is better.

    Parameters
    ----------
    first, second : ImageDetail
    geometry : RelativeGeometry
        Of the first to the second.

    Returns
    -------
    int
        Negative when it is the first: only its file is whole, or it has more real detail, or
        color, or as much and its file holds more besides, or it is less compressed, or it shows
        more of the scene; positive when it is the second; 0 when they are as good as each other.
    """
    if first.damaged != second.damaged:
        return 1 if first.damaged else -1
    file_extras = int(second.file_extras > first.file_extras) - int(
        first.file_extras > second.file_extras
    )
    if first.pixels == second.pixels:
        return file_extras or int(second.alpha) - int(first.alpha)
    return (
        more_detail(first, second, geometry.scale)
        or int(first.gray) - int(second.gray)
        or _fewer_colors(first, second)
        or file_extras
        or _more_compressed(first, second, geometry.same_grid)
        or int(geometry.shown < LEAST_SHOWN) - int(LEAST_SHOWN * geometry.shown > 1)
    )


def _fewer_colors(first: ImageDetail, second: ImageDetail) -> int:
    """Say which one was reduced to a palette: of a photograph, that has more colors than fit."""
    return int(first.palette and second.color_share > _MANY_COLORS) - int(
        second.palette and first.color_share > _MANY_COLORS
    )


def more_detail(first: ImageDetail, second: ImageDetail, scale: float) -> int:
    """Say which of two images of the same scene has more real detail.

    Parameters
    ----------
    first, second : ImageDetail
    scale : float
        Pixels of the first along a side of what is one pixel of the second.

    Returns
    -------
    int
        Negative when it is the first, positive when it is the second, 0 when both have as much.
    """
    if scale < 1:
        return -more_detail(second, first, 1 / scale)
    if scale < 1.02:
        return _smaller(second.bandwidth, first.bandwidth, _MORE_BANDWIDTH)
    if scale < _FAR and _extra_power(first, second, scale) < max(_EXTRA / scale, _LEAST_EXTRA):
        return 1  # the larger one was enlarged
    return -1 if scale * first.bandwidth > 1.02 * second.bandwidth else 0


def _extra_power(larger: ImageDetail, smaller: ImageDetail, scale: float) -> float:
    """Return the power beyond what the smaller image can hold, as a part of what is expected.

    Expected is what the smaller one has at its highest frequencies, with the usual decline. A much
    larger image is taken at half its size: its lowest frequencies are too few to compare them.
    """
    here, there = larger.power, smaller.power
    if scale > _NEAR:
        here, scale = larger.halved, scale / 2
    low, high = min(1.08 / scale, 0.96), min(1.6 / scale, 1)
    decline = ((low + high) / 2 * scale / 0.925) ** _DECLINE
    parts = [
        decline * _band(one, low, high) / max(_band(other, 0.85, 1), 1e-3)
        for one, other in zip(here.spectra, there.spectra, strict=True)
    ]
    ring = int(np.ceil(BLOCK / scale + 0.3))
    # Only coarse compression makes steps, and then its highest frequencies are gone.
    deceives = max(larger.past_coarseness, smaller.past_coarseness) > _STEPPED
    if ring < BLOCK - 1 or (ring < BLOCK and deceives):
        decline = ((ring + BLOCK - 1) / 2 * scale / 6.5) ** _DECLINE
        extra = decline * float(here.blocks[ring:].mean())
        parts.append(extra / max(float(there.blocks[6:].mean()), 1e-3))
    # A smaller one that was made without smoothing has power there that is no detail.
    low, high = _UNBLURRED
    held = _band(here.spectra[0], low / scale, high / scale) / scale**2
    excess = max(1.0, _band(there.spectra[0], low, high) / max(held, 1e-3))
    # The power of a pixel is spread over scale ** 2 pixels.
    return excess * min(parts) / scale**2


def _band(spectrum: NDArray[np.float64], low: float, high: float) -> float:
    top = len(spectrum) - 1
    return float(spectrum[int(np.ceil(low * top - 1e-6)) : int(high * top + 1e-6) + 1].mean())


def _more_compressed(first: ImageDetail, second: ImageDetail, same_grid: bool) -> int:
    """Compare how coarsely the files are compressed, unless the finer one was made of the other.

    What was saved again at a better quality is no better for it. It differs from what it was made
    of by no more than its own quantization; where the coarser one was made of the finer one, they
    differ by the quantization of that. Where more was done to the pixels, either may have been made
    of the other: a drawing that is still a clean one is the original, and else only a great
    difference counts.
    """
    found = _smaller(first.coarseness, second.coarseness, _COARSER, least=1)
    if found == 0:
        return 0
    finer, coarser = (first, second) if found < 0 else (second, first)
    if same_grid:
        by_finer = _explained(finer, coarser, finer.coarseness)
        by_coarser = _explained(finer, coarser, coarser.coarseness)
        if by_coarser >= _EXPLAINED:
            return found if by_finer < _EXPLAINED * by_coarser else 0
    drawn = int(second.drawing) - int(first.drawing)
    return drawn or _smaller(first.coarseness, second.coarseness, _MUCH_COARSER, least=10)


def _explained(finer: ImageDetail, coarser: ImageDetail, coarseness: float) -> float:
    """Return in which part of what the coarser image holds they differ by that quantization."""
    if len(finer.coefficients) != len(coarser.coefficients):
        return 0.0
    held = np.abs(coarser.coefficients) > 8 * steps_of(coarser.coarseness)
    difference = np.abs(finer.coefficients / 16 - coarser.coefficients / 16)
    within = difference <= steps_of(coarseness) / 2 + _ROUNDING
    return float(within[held].mean()) if held.any() else 0.0


def _smaller(first: float, second: float, ratio: float, least: float = 0) -> int:
    """Say which number is the smaller one: 0 when neither is by that ratio.

    What is below `least` counts as that much.
    """
    if max(first, second) <= ratio * max(min(first, second), least):
        return 0
    return -1 if first < second else 1
