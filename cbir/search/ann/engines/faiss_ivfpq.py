"""Lists of near vectors, each of a few bytes: the engine ``faiss-ivfpq``.

Vectors are assigned to the nearest of many centroids; of what is left, half a byte is kept for
each group of numbers, and compared by tables in the registers of the processor (fast scan).

References
----------
H. Jégou, M. Douze, C. Schmid, "Product quantization for nearest neighbor search", IEEE PAMI 33,
2011.

F. André, A.-M. Kermarrec, N. Le Scouarnec, "Quicker ADC: unlocking the hidden potential of product
quantization with SIMD", IEEE PAMI 43, 2021.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from cbir.core.threads import cores
from cbir.search.ann.engines.base import SEED, Engine, VectorSource
from cbir.search.ann.engines.faiss_index import FaissStructure, load, threads_of

BYTES = 32
"""That are kept of a vector unless told otherwise."""

_A_LIST = 39
"""Vectors that a list is trained on, at least: fewer, and FAISS warns."""

_MOST_LISTS = 16_384

_TRAINING = 64
"""Vectors a list that are enough to train on."""

_BITS = 4

_STEPS = 1 << _BITS
"""Of what is kept of a group."""

_A_STEP = 1024
"""Vectors a step that are enough to train on."""

_SHARE = 1 / 8
"""What comparing with a few bytes costs, as a share of comparing with a vector."""


class IvfPqStructure(FaissStructure):
    """Lists of FAISS."""

    def __init__(self, faiss: ModuleType, index: Any, threads: int = 1) -> None:
        def parameters(_: int, effort: int) -> Any:
            return faiss.SearchParametersIVF(nprobe=min(effort, index.nlist))

        super().__init__(faiss, index, parameters, threads)
        steps = (round(2 ** (step / 2)) for step in range(2 * int(math.log2(index.nlist)) + 2))
        self.efforts = tuple(sorted({min(step, index.nlist) for step in steps}))

    def compared(self, count: int, effort: int) -> float:
        """Return with about how many vectors a search compares the query."""
        lists: int = self.index.nlist
        return lists + min(effort, lists) / lists * len(self) * _SHARE


class FaissIvfPq(Engine):
    """Builds lists by FAISS."""

    name = "faiss-ivfpq"
    summary = "lists of near vectors, a few bytes each (IVF-PQ): the smallest"
    package = "faiss"
    extra = "ann"
    adds = True
    quantizes = True

    def multiple(self, size: int | None) -> int:
        """Return into how many groups vectors are to be cut."""
        return 2 * (size or BYTES)

    def build(self, vectors: VectorSource, size: int | None, threads: int) -> IvfPqStructure:
        """Arrange vectors in lists."""
        faiss = self.module()
        lists = lists_of(len(vectors))
        groups = groups_of(vectors.width, size or BYTES)
        quantizer = faiss.IndexFlatL2(vectors.width)
        index = faiss.IndexIVFPQFastScan(quantizer, vectors.width, lists, groups, _BITS)
        index.by_residual = True
        index.cp.seed = index.pq.cp.seed = SEED
        index.cp.niter = 10
        index.cp.min_points_per_centroid = index.pq.cp.min_points_per_centroid = 1
        sample = vectors.sample(max(lists * _TRAINING, _STEPS * _A_STEP))
        # Of fewer vectors than steps, some are taken again.
        sample = np.resize(sample, (max(len(sample), _STEPS), vectors.width))
        with threads_of(faiss, threads):
            index.train(sample)
        structure = IvfPqStructure(faiss, index, threads)
        structure.add(vectors)
        return structure

    def load(self, path: str, count: int, width: int, changeable: bool = False) -> IvfPqStructure:
        """Load lists."""
        faiss = self.module()
        return IvfPqStructure(faiss, load(faiss, path, False, changeable), cores())


def lists_of(count: int) -> int:
    """Return how many lists so many vectors are put into: a power of two.

    Examples
    --------
    >>> lists_of(10), lists_of(10_000), lists_of(1_000_000), lists_of(10_000_000)
    (1, 256, 4096, 8192)
    """
    wanted = min(4 * math.sqrt(count), count / _A_LIST, _MOST_LISTS)
    return int(2 ** math.floor(math.log2(max(1, wanted) * 1.05)))


def groups_of(width: int, size: int) -> int:
    """Return into how many groups vectors are cut for a size in bytes: half a byte each.

    Examples
    --------
    >>> groups_of(128, 32), groups_of(96, 32), groups_of(33, 64)
    (64, 48, 33)
    """
    most = min(width, 2 * size)
    return next(groups for groups in range(most, 0, -1) if width % groups == 0)
