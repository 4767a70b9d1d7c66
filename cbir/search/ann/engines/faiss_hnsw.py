"""A graph of near vectors, of 8 bits a number: the engine ``faiss-hnsw``.

References
----------
Y. A. Malkov, D. A. Yashunin, "Efficient and robust approximate nearest neighbor search using
hierarchical navigable small world graphs", IEEE PAMI 42, 2020.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from cbir.core.threads import cores
from cbir.search.ann.engines.base import Engine, VectorSource
from cbir.search.ann.engines.faiss_index import FaissStructure, load, threads_of

LINKS = 16
"""Of a vector in the graph; twice as many in its lowest layer."""

BUILDING_EFFORT = 100
"""Neighbors that are considered for the links of a new vector."""

EFFORTS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048)
"""Of searches in a graph: the vectors that are kept as the nearest so far."""

_TRAINING = 65_536
"""Vectors whose least and greatest numbers set the steps of 8 bits."""


class HnswStructure(FaissStructure):
    """A graph of FAISS."""

    efforts = EFFORTS

    def __init__(self, faiss: ModuleType, index: Any, threads: int = 1) -> None:
        def parameters(count: int, effort: int) -> Any:
            return faiss.SearchParametersHNSW(efSearch=max(count, effort))

        super().__init__(faiss, index, parameters, threads)

    def compared(self, count: int, effort: int) -> float:
        """Return with about how many vectors a search compares the query."""
        return min(len(self), max(count, effort) * LINKS)


class FaissHnsw(Engine):
    """Builds graphs by FAISS."""

    name = "faiss-hnsw"
    summary = "a graph of near vectors (HNSW), 8 bits a number: the fastest"
    package = "faiss"
    extra = "ann"
    adds = True

    def build(self, vectors: VectorSource, size: int | None, threads: int) -> HnswStructure:
        """Arrange vectors in a graph."""
        faiss = self.module()
        index = faiss.IndexHNSWSQ(vectors.width, faiss.ScalarQuantizer.QT_8bit, LINKS)
        index.hnsw.efConstruction = BUILDING_EFFORT
        with threads_of(faiss, threads):
            index.train(vectors.sample(_TRAINING))
        structure = HnswStructure(faiss, index, threads)
        structure.add(vectors)
        return structure

    def load(self, path: str, count: int, width: int, changeable: bool = False) -> HnswStructure:
        """Load a graph."""
        faiss = self.module()
        return HnswStructure(faiss, load(faiss, path, False, changeable), cores())
