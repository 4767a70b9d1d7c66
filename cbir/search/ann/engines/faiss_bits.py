"""A graph of near hashes: the engine ``faiss-bits``."""

from __future__ import annotations

from cbir.core.threads import cores
from cbir.search.ann.engines.base import Engine, VectorSource
from cbir.search.ann.engines.faiss_hnsw import HnswStructure
from cbir.search.ann.engines.faiss_index import load

LINKS = 24
"""Of a hash in the graph: many hashes are equally far, and more links are needed."""

BUILDING_EFFORT = 128
"""Neighbors that are considered for the links of a new hash."""


class FaissBits(Engine):
    """Builds graphs of packed bits by FAISS."""

    name = "faiss-bits"
    summary = "a graph of near hashes (HNSW)"
    package = "faiss"
    extra = "ann"
    packed = True
    adds = True

    def build(self, vectors: VectorSource, size: int | None, threads: int) -> HnswStructure:
        """Arrange hashes in a graph."""
        faiss = self.module()
        index = faiss.IndexBinaryHNSW(8 * vectors.width, LINKS)
        index.hnsw.efConstruction = BUILDING_EFFORT
        structure = HnswStructure(faiss, index, threads)
        structure.add(vectors)
        return structure

    def load(self, path: str, count: int, width: int, changeable: bool = False) -> HnswStructure:
        """Load a graph."""
        faiss = self.module()
        return HnswStructure(faiss, load(faiss, path, True, changeable), cores())
