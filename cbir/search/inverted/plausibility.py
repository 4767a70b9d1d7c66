"""Whether a segment whose checksums are right holds what codes of images can be.

Whoever can write a segment can write its checksums, too. That keys were exchanged, or norms are
those of other codes, does not show in it; what no code can be does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.search.inverted.code_format import CodeFormat
from cbir.search.inverted.segment_layout import Sections

_BLOCK = 1 << 20
"""Entries that are looked at at a time."""

_MOST_UNITS = 1 << 57
"""Above what any scoring says that an image has in common with itself."""

_LEAST_NORM = float(np.finfo(np.float32).smallest_subnormal)
"""Of an image with any weight: weights of words are float32, and counts are at least 1."""


def is_plausible(sections: Sections, codes: CodeFormat) -> bool:
    """Return whether sections could be those of a segment of such codes.

    Its directory has been looked at. The entries are read once, two bytes of each.

    Parameters
    ----------
    sections : mapping of str to ndarray
        As in :mod:`cbir.search.inverted.segment_layout`.
    codes : CodeFormat
    """
    counts, images = sections["counts"], sections["images"]
    return (
        int(counts.sum(dtype=np.int64)) == len(images)
        and int(images.max(initial=0)) < max(len(counts), 1)
        and _ascend(images, sections["starts"], codes.repeated)
        and all(_are_norms(sections["norms"][name]) for name in codes.norms.names or ())
    )


def _ascend(images: NDArray[np.uint16], starts: NDArray[np.int64], repeated: bool) -> bool:
    """Return whether the images of each list ascend; what is no step up begins another list."""
    not_up = np.less if repeated else np.less_equal
    before, after = images[:-1], images[1:]
    steps = sum(
        int(np.count_nonzero(not_up(after[place : place + _BLOCK], before[place : place + _BLOCK])))
        for place in range(0, len(after), _BLOCK)
    )
    begins = starts[1:-1]
    return steps == int(np.count_nonzero(not_up(images[begins], images[begins - 1])))


def _are_norms(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "i":
        return bool(((values >= 0) & (values < _MOST_UNITS)).all())
    return bool(((values == 0) | (np.isfinite(values) & (values >= _LEAST_NORM))).all())
