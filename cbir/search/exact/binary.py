"""The flat index of packed bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Row
from cbir.search.candidates import Distances, RowNumbers, ScannedSource
from cbir.search.metrics import hamming
from cbir.search.sources import StoredRows


@dataclass
class BinaryFlatIndex(ScannedSource[Row]):
    """Packed bits, compared by the Hamming distance.

    A query may have more bytes than the matrix; they are not compared.
    """

    matrix: Row

    @classmethod
    def of(cls, stored: StoredRows) -> BinaryFlatIndex:
        # Copied where a quality stands behind the bits: a scan wants them without gaps.
        width = stored.descriptor.kind.width(stored.descriptor.dimension)
        return cls(np.ascontiguousarray(stored.matrix[:, :width]))

    def __len__(self) -> int:
        return len(self.matrix)

    def estimate(self, query: Row) -> NDArray[np.int64]:
        return hamming(query[: self.matrix.shape[1]], self.matrix)

    def exact(self, query: Row, rows: RowNumbers) -> Distances:
        return hamming(query[: self.matrix.shape[1]], self.matrix[rows]).astype(np.float64)

    def tolerance(self, query: Row, distance: float) -> float:
        return 0.0
