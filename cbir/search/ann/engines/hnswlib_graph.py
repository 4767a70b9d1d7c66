"""A graph of near vectors as they are: the engine ``hnswlib``, of the authors of the method."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from cbir.core.threads import cores
from cbir.search.ann.engines.base import SEED, Engine, Ids, Structure, Vectors, VectorSource
from cbir.search.ann.engines.faiss_hnsw import BUILDING_EFFORT, EFFORTS, LINKS


class HnswlibStructure(Structure):
    """A graph of hnswlib."""

    efforts = EFFORTS

    def __init__(self, index: Any, threads: int) -> None:
        self._index, self._threads = index, threads
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._index.element_count)

    def search(self, query: Vectors, count: int, effort: int) -> Ids:
        """Return the vectors that seem to be nearest to a query."""
        count = min(count, len(self))
        with self._lock:  # the effort is a setting of the graph
            self._index.set_ef(max(count, effort))
            found, _ = self._index.knn_query(query[None], count, num_threads=1)
        return found[0].astype(np.int64)

    def compared(self, count: int, effort: int) -> float:
        """Return with about how many vectors a search compares the query."""
        return min(len(self), max(count, effort) * LINKS)

    def save(self, path: str) -> None:
        """Write it to a file."""
        self._index.save_index(path)

    def add(self, vectors: VectorSource) -> None:
        """Add vectors behind those that are there."""
        start = len(self)
        self._index.resize_index(max(self._index.max_elements, start + len(vectors)))
        for block in vectors.blocks():
            numbers = np.arange(start, start + len(block))
            self._index.add_items(block, numbers, num_threads=self._threads)
            start += len(block)


class HnswlibGraph(Engine):
    """Builds graphs by hnswlib."""

    name = "hnswlib"
    summary = "a graph of near vectors (HNSW), whole numbers: fast, and large"
    package = "hnswlib"
    adds = True

    def build(self, vectors: VectorSource, size: int | None, threads: int) -> HnswlibStructure:
        """Arrange vectors in a graph."""
        index = self.module().Index("l2", vectors.width)
        index.init_index(len(vectors), LINKS, BUILDING_EFFORT, SEED)
        structure = HnswlibStructure(index, threads)
        structure.add(vectors)
        return structure

    def load(self, path: str, count: int, width: int, changeable: bool = False) -> HnswlibStructure:
        """Load a graph."""
        index = self.module().Index("l2", width)
        index.load_index(path, count)
        return HnswlibStructure(index, cores())
