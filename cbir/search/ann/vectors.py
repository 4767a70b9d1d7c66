"""The rows of an index as the vectors that an engine arranges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cbir.core.progress import ProgressListener
from cbir.descriptors.base import Row
from cbir.search.ann.engines.base import Vectors
from cbir.search.ann.geometry import Geometry
from cbir.search.ann.projection import Projection

_BLOCK_BYTES = 1 << 27
"""That the numbers of a block take before they are projected."""


@dataclass(frozen=True, slots=True)
class VectorMap:
    """What turns rows, of the index or of queries, into vectors.

    Attributes
    ----------
    geometry : Geometry
    projection : Projection, optional
    """

    geometry: Geometry
    projection: Projection | None = None

    @property
    def width(self) -> int:
        """Numbers, or bytes of packed bits, that a vector has."""
        return self.geometry.width if self.projection is None else self.projection.width

    def __call__(self, rows: Row) -> Vectors:
        """Return the vectors of rows of shape (n, width)."""
        vectors = self.geometry.vectors(rows)
        return vectors if self.projection is None else self.projection(vectors)


@dataclass(frozen=True, slots=True)
class RowVectors:
    """The vectors of some rows of a matrix, made block by block.

    Attributes
    ----------
    vector_map : VectorMap
    matrix : ndarray, shape (n, width)
    listener : ProgressListener
        Told of the rows that were taken.
    """

    vector_map: VectorMap
    matrix: Row
    listener: ProgressListener

    @property
    def width(self) -> int:
        """Numbers, or bytes of packed bits, that a vector has."""
        return self.vector_map.width

    def __len__(self) -> int:
        return len(self.matrix)

    def sample(self, most: int) -> Vectors:
        """Return vectors of an even sample of the rows."""
        rows = even_sample(len(self.matrix), most)
        parts = np.array_split(rows, max(1, len(rows) // self._step))
        return np.concatenate([self.vector_map(self.matrix[part]) for part in parts])

    def blocks(self) -> Iterator[Vectors]:
        """Yield all vectors in the order of the rows."""
        for start in range(0, len(self.matrix), self._step):
            block = self.matrix[start : start + self._step]
            yield self.vector_map(block)
            self.listener.advance(len(block))

    @property
    def _step(self) -> int:
        return max(1, _BLOCK_BYTES // (4 * self.matrix.shape[1]))


def even_sample(count: int, most: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return at most so many of `count` numbers from 0 on, evenly spread.

    Examples
    --------
    >>> even_sample(10, 4)
    array([0, 2, 5, 7])
    """
    taken = min(count, most)
    return np.arange(taken) * count // max(1, taken)
