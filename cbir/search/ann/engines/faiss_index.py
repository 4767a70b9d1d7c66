"""What the engines of FAISS share.

References
----------
M. Douze, A. Guzhva, C. Deng, J. Johnson, G. Szilvasy, P.-E. Mazaré, M. Lomeli, L. Hosseini,
H. Jégou, "The Faiss library", 2024.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from cbir.search.ann.engines.base import Ids, Structure, Vectors, VectorSource


class _Pool:
    """Whether OpenMP has made threads, which a forked child waits for without having them."""

    def __init__(self) -> None:
        self._is_made = self._is_lost = False

    def most(self, threads: int) -> int:
        """Return how many threads may be used, of as many as are wanted."""
        if self._is_lost:
            return 1
        self._is_made = self._is_made or threads > 1
        return threads

    def after_fork(self) -> None:
        """Do with one thread in a child whose parent has made more."""
        self._is_lost = self._is_lost or self._is_made


_pool = _Pool()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.after_fork)


class FaissStructure(Structure):
    """An index of FAISS.

    Parameters
    ----------
    faiss : module
    index : faiss.Index or faiss.IndexBinary
    parameters : callable
        Returns what FAISS is to be told, for a count and an effort.
    threads : int
        How many may be used to add vectors.
    """

    def __init__(
        self,
        faiss: ModuleType,
        index: Any,
        parameters: Callable[[int, int], Any],
        threads: int = 1,
    ) -> None:
        self._faiss, self.index, self._parameters, self._threads = faiss, index, parameters, threads

    def __len__(self) -> int:
        return int(self.index.ntotal)

    def search(self, query: Vectors, count: int, effort: int) -> Ids:
        """Return the vectors that seem to be nearest to a query."""
        count = min(count, len(self))
        with threads_of(self._faiss, 1):
            _, found = self.index.search(query[None], count, params=self._parameters(count, effort))
        ids: Ids = found[0]
        return ids[ids >= 0]

    def save(self, path: str) -> None:
        """Write it to a file."""
        write = self._faiss.write_index_binary if self._is_packed else self._faiss.write_index
        write(self.index, path)

    def add(self, vectors: VectorSource) -> None:
        """Add vectors behind those that are there."""
        with threads_of(self._faiss, self._threads):
            for block in vectors.blocks():
                self.index.add(np.ascontiguousarray(block))

    @property
    def _is_packed(self) -> bool:
        return isinstance(self.index, self._faiss.IndexBinary)


@contextlib.contextmanager
def threads_of(faiss: ModuleType, count: int) -> Iterator[None]:
    """Let FAISS use so many threads, in this thread alone: OpenMP keeps their number by thread."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(_pool.most(count))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def load(faiss: ModuleType, path: str, packed: bool, changeable: bool) -> Any:
    """Read an index, mapped into memory unless vectors will be added."""
    read = faiss.read_index_binary if packed else faiss.read_index
    return read(path, 0 if changeable else faiss.IO_FLAG_MMAP_IFC)
