"""Shorter vectors: the principal components of a sample, turned at random.

Among the first components the Euclidean distances stay nearly what they were, and whatever is
computed of vectors costs the less. The turn spreads what differs evenly over the numbers, as
product quantization likes it, and changes no distance.

References
----------
H. Jégou, O. Chum, "Negative evidences and co-occurences in image retrieval: the benefit of PCA and
whitening", ECCV 2012.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.search.ann.engines.base import SEED
from cbir.stores.derivation import is_array_of

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Projection:
    """A linear map of vectors.

    Attributes
    ----------
    mean : ndarray of float32, shape (width,)
    axes : ndarray of float32, shape (width, fewer)
        Orthonormal columns.
    """

    mean: Numbers
    axes: Numbers

    @classmethod
    def of(cls, sample: Numbers, width: int) -> Projection:
        """Return the map to so many numbers that keeps most of what differs in a sample.

        Examples
        --------
        >>> sample = np.random.default_rng(0).standard_normal((100, 3)).astype(np.float32)
        >>> sample[:, 0] = 5
        >>> short = Projection.of(sample, 2)(sample)
        >>> one, other = np.linalg.norm(sample[0] - sample[1]), np.linalg.norm(short[0] - short[1])
        >>> short.shape, bool(np.isclose(one, other))
        ((100, 2), True)
        """
        return cls.each_of(sample, [width])[0]

    @classmethod
    def each_of(cls, sample: Numbers, widths: list[int]) -> list[Projection]:
        """Return the maps to several widths."""
        mean = sample.mean(axis=0)
        centered = sample - mean
        components = _components(centered, max(widths))
        found = []
        for width in widths:
            turn, _ = np.linalg.qr(np.random.default_rng(SEED).standard_normal((width, width)))
            axes = components[:, :width] @ turn
            found.append(cls(mean, axes.astype(np.float32)))
        return found

    def __call__(self, vectors: Numbers) -> Numbers:
        """Return shorter vectors."""
        return ((vectors - self.mean) @ self.axes).astype(np.float32, copy=False)

    @property
    def width(self) -> int:
        """Numbers that are left."""
        return self.axes.shape[1]

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is kept of it."""
        return {"mean": self.mean, "axes": self.axes}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], wide: int, width: int) -> Projection:
        """Return what was kept.

        Raises
        ------
        ValueError
            When it is something else.
        """
        expected = {"mean": (wide,), "axes": (wide, width)}
        single = np.dtype(np.float32)
        if arrays.keys() != expected.keys() or not all(
            is_array_of(arrays[name], shape, single) for name, shape in expected.items()
        ):
            raise ValueError("not a projection")
        return cls(arrays["mean"], arrays["axes"])


def _components(centered: Numbers, count: int) -> Numbers:
    """Return the first principal components as columns."""
    if len(centered) >= centered.shape[1]:
        _, components = np.linalg.eigh(centered.T @ centered)
        return components[:, ::-1][:, :count]
    # Of fewer rows than numbers, the products among the rows say the same, and are fewer.
    _, shares = np.linalg.eigh(centered @ centered.T)
    components, _ = np.linalg.qr(centered.T @ shares[:, ::-1][:, :count])
    return components
