r"""Which vectors stand for the rows of a descriptor, so that engines find neighbors among them.

Engines know the Euclidean distance, and the Hamming distance of bits. What a metric compares is
therefore turned into vectors whose Euclidean neighbors are good candidates:

- `roots`, for the chi-squared distance: of what is compared, the square roots. With
  :math:`h = \sum_i (\sqrt{a_i} - \sqrt{b_i})^2`, the chi-squared distance lies between
  :math:`h / 2` and :math:`h`, so that few rows change places.
- `values`: what is compared as it is; for the Euclidean distance these are the very neighbors.
- `unit`, for the cosine distance: vectors of length 1, whose Euclidean neighbors are those by
  angle.
- `bits`: of hashes, without the byte of their quality.

Where several serve a metric, :mod:`cbir.search.ann.choosing` measures which one is best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Descriptor, Row
from cbir.search.ann.engines.base import Vectors

Numbers = NDArray[np.float32]


def _roots(values: Numbers) -> Numbers:
    return np.sqrt(np.maximum(values, 0))


def _values(values: Numbers) -> Numbers:
    return values


def _unit(values: Numbers) -> Numbers:
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return (values / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)


_FORMS: dict[str, Callable[[Numbers], Numbers]] = {
    "roots": _roots,
    "values": _values,
    "unit": _unit,
}

BITS = "bits"
"""The form of packed bits."""

_SERVING = {
    "chi2": ("roots", "values"),
    "euclidean": ("values",),
    "cosine": ("unit",),
    "manhattan": ("roots", "values"),
    "hamming": (BITS,),
}
"""By metric, the forms that may serve it."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """How rows of a descriptor become vectors.

    Attributes
    ----------
    descriptor : Descriptor
    form : str
        One of :func:`forms_of`.
    """

    descriptor: Descriptor
    form: str

    @property
    def packed(self) -> bool:
        """Whether vectors are packed bits."""
        return self.form == BITS

    @property
    def width(self) -> int:
        """Numbers, or bytes of packed bits, that a vector has."""
        return self.descriptor.kind.width(self.descriptor.dimension)

    def vectors(self, rows: Row) -> Vectors:
        """Return the vectors of some rows.

        Parameters
        ----------
        rows : ndarray, shape (n, width)
            As they are stored.

        Returns
        -------
        ndarray of float32 or, packed, of uint8, shape (n, :attr:`width`)
        """
        if self.packed:
            return np.ascontiguousarray(rows[:, : self.width])
        return _FORMS[self.form](self.descriptor.encoding.values(rows, np.float32))


def forms_of(descriptor: Descriptor, metric: str, sample: Row) -> tuple[str, ...]:
    """Return the forms that may serve a metric, the likeliest first; none where no engine can.

    Parameters
    ----------
    descriptor : Descriptor
    metric : str
    sample : ndarray, shape (n, width)
        Rows: of those with negative numbers there are no roots.
    """
    if descriptor.kind.counted:
        return ()
    forms = _SERVING.get(metric, ())
    if sample.dtype.kind != "u" and (sample < 0).any():
        return tuple(form for form in forms if form != "roots")
    return forms
