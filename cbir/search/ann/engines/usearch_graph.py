"""Graphs of near vectors, of half precision or of bits: ``usearch`` and ``usearch-bits``."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from cbir.core.threads import cores
from cbir.search.ann.engines.base import Engine, Ids, Structure, Vectors, VectorSource
from cbir.search.ann.engines.faiss_hnsw import BUILDING_EFFORT, EFFORTS, LINKS


class UsearchStructure(Structure):
    """A graph of USearch."""

    efforts = EFFORTS

    def __init__(self, index: Any, threads: int) -> None:
        self._index, self._threads = index, threads
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._index)

    def search(self, query: Vectors, count: int, effort: int) -> Ids:
        """Return the vectors that seem to be nearest to a query."""
        count = min(count, len(self))
        with self._lock:  # the effort is a setting of the graph
            self._index.expansion_search = max(count, effort)
            found = self._index.search(query, count, threads=1).keys
        return np.asarray(found).astype(np.int64)

    def compared(self, count: int, effort: int) -> float:
        """Return with about how many vectors a search compares the query."""
        return min(len(self), max(count, effort) * LINKS)

    def save(self, path: str) -> None:
        """Write it to a file."""
        self._index.save(path)

    def add(self, vectors: VectorSource) -> None:
        """Add vectors behind those that are there."""
        start = len(self)
        for block in vectors.blocks():
            numbers = np.arange(start, start + len(block), dtype=np.uint64)
            self._index.add(numbers, block, threads=self._threads)
            start += len(block)


class UsearchGraph(Engine):
    """Builds graphs by USearch."""

    name = "usearch"
    summary = "a graph of near vectors (HNSW), half precision; mapped into memory"
    package = "usearch"
    adds = True

    def build(self, vectors: VectorSource, size: int | None, threads: int) -> UsearchStructure:
        """Arrange vectors in a graph."""
        structure = UsearchStructure(self._empty(vectors.width), threads)
        structure.add(vectors)
        return structure

    def load(self, path: str, count: int, width: int, changeable: bool = False) -> UsearchStructure:
        """Load a graph."""
        index = self._empty(width)
        index.load(path) if changeable else index.view(path)
        return UsearchStructure(index, cores())

    def _empty(self, width: int) -> Any:
        self.module()
        from usearch.index import Index

        ndim, metric, dtype = (
            (8 * width, "hamming", "b1") if self.packed else (width, "l2sq", "f16")
        )
        return Index(
            ndim=ndim,
            metric=metric,
            dtype=dtype,
            connectivity=LINKS,
            expansion_add=BUILDING_EFFORT,
        )


class UsearchBits(UsearchGraph):
    """Builds graphs of packed bits by USearch."""

    name = "usearch-bits"
    summary = "a graph of near hashes (HNSW), mapped into memory"
    packed = True
