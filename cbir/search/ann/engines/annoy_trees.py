"""Forests of random hyperplanes: the engines ``annoy`` and ``annoy-bits``."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cbir.search.ann.engines.base import SEED, Engine, Ids, Structure, Vectors, VectorSource

TREES = 32

_EFFORTS = tuple(64 << step for step in range(13))
"""Vectors that are looked at, in all trees together."""


class AnnoyStructure(Structure):
    """A forest of Annoy; threads may search it at once."""

    efforts = _EFFORTS

    def __init__(self, index: Any, packed: bool) -> None:
        self._index, self._packed = index, packed

    def __len__(self) -> int:
        return int(self._index.get_n_items())

    def search(self, query: Vectors, count: int, effort: int) -> Ids:
        """Return the vectors that seem to be nearest to a query."""
        vector = _numbers(query[None], self._packed)[0]
        return np.array(self._index.get_nns_by_vector(vector, count, max(count, effort)), np.int64)

    def compared(self, count: int, effort: int) -> float:
        """Return with about how many vectors a search compares the query."""
        return min(len(self), max(count, effort))

    def save(self, path: str) -> None:
        """Write it to a file."""
        self._index.save(path)


class AnnoyTrees(Engine):
    """Builds forests by Annoy."""

    name = "annoy"
    summary = "a forest of random hyperplanes; mapped into memory"
    package = "annoy"
    metric: ClassVar[str] = "euclidean"

    def build(self, vectors: VectorSource, size: int | None, threads: int) -> AnnoyStructure:
        """Arrange vectors in a forest."""
        index = self._empty(vectors.width)
        index.set_seed(SEED)
        place = 0
        for block in vectors.blocks():
            for vector in _numbers(block, self.packed):
                index.add_item(place, vector)
                place += 1
        index.build(TREES, n_jobs=threads)
        return AnnoyStructure(index, self.packed)

    def load(self, path: str, count: int, width: int, changeable: bool = False) -> AnnoyStructure:
        """Map a forest into memory."""
        index = self._empty(width)
        index.load(path)
        return AnnoyStructure(index, self.packed)

    def _empty(self, width: int) -> Any:
        return self.module().AnnoyIndex(8 * width if self.packed else width, self.metric)


class AnnoyBits(AnnoyTrees):
    """Builds forests of packed bits by Annoy."""

    name = "annoy-bits"
    summary = "a forest of hashes; mapped into memory"
    packed = True
    metric = "hamming"


def _numbers(vectors: Vectors, packed: bool) -> NDArray[Any]:
    """Return vectors as Annoy takes them: one number a bit."""
    return np.unpackbits(vectors, axis=1) if packed else vectors
