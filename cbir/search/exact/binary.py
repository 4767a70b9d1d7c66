"""The flat index of packed bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.machine_code import AwaitedLoop
from cbir.core.threads import in_parts
from cbir.descriptors.base import Row
from cbir.search.candidates import Distances, RowNumbers, ScannedSource
from cbir.search.exact.kernels import HAMMING
from cbir.search.metrics import hamming
from cbir.search.sources import StoredRows

_WORD = 8
"""Bytes that are compared at a time."""

_BLOCK = 1 << 13
"""Rows that numpy compares at a time, so that what is between two steps stays in the cache."""

_WORTH_THREADS = 1 << 22
"""Bytes to compare above which threads pay for themselves."""

_WORTH_LOADING = 1 << 28
"""Bytes to compare for which numpy takes longer than it takes to load a compiled loop."""

_WORTH_COMPILING = 1 << 31
"""Bytes that were compared after which it is time to compile a loop, meanwhile."""


@dataclass
class BinaryFlatIndex(ScannedSource[Row]):
    """Packed bits, compared by the Hamming distance.

    A query may have more bytes than the matrix; they are not compared.
    """

    matrix: Row

    def __post_init__(self) -> None:
        self._loop = AwaitedLoop(HAMMING, _WORTH_LOADING, _WORTH_COMPILING)

    @classmethod
    def of(cls, stored: StoredRows) -> BinaryFlatIndex:
        # Copied where a quality stands behind the bits: a scan wants them without gaps.
        width = stored.descriptor.kind.width(stored.descriptor.dimension)
        return cls(np.ascontiguousarray(stored.matrix[:, :width]))

    def __len__(self) -> int:
        return len(self.matrix)

    def estimate(self, query: Row) -> NDArray[np.int32]:
        bits = np.ascontiguousarray(query[: self.matrix.shape[1]])
        distances = np.empty(len(self.matrix), np.int32)
        has_words = self.matrix.shape[1] % _WORD == 0 and self.matrix.flags.c_contiguous
        run = self._loop.after(self.matrix.size) if has_words else None

        def compare(part: slice) -> None:
            rows, out = self.matrix[part], distances[part]
            if run is not None:
                words = rows.view(np.uint64)
                run(bits.view(np.uint64), words, *words.shape, out)
                return
            for start in range(0, len(rows), _BLOCK):
                some = slice(start, start + _BLOCK)
                out[some] = hamming(bits, rows[some])

        in_parts(compare, len(self.matrix), self.matrix.size > _WORTH_THREADS)
        return distances

    def exact(self, query: Row, rows: RowNumbers) -> Distances:
        return hamming(query[: self.matrix.shape[1]], self.matrix[rows]).astype(np.float64)

    def tolerance(self, query: Row, distance: float) -> float:
        return 0.0
