"""Lists of near vectors, quantized so that inner products stay what they are: ``scann``.

References
----------
R. Guo, P. Sun, E. Lindgren, Q. Geng, D. Simcha, F. Chern, S. Kumar, "Accelerating large-scale
inference with anisotropic vector quantization", ICML 2020.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from cbir.search.ann.engines.base import Engine, Ids, Structure, Vectors, VectorSource

_FEWEST = 1000
"""Vectors below which there are no lists, and all are compared."""

_DIMENSIONS = 2
"""Numbers that half a byte stands for."""


class ScannStructure(Structure):
    """Lists of ScaNN."""

    def __init__(self, searcher: Any, count: int) -> None:
        self._searcher, self._count = searcher, count
        lists = _lists_of(count)
        steps = (round(2 ** (step / 2)) for step in range(2 * int(math.log2(lists)) + 2))
        self.efforts = tuple(sorted({min(step, lists) for step in steps}))

    def __len__(self) -> int:
        return self._count

    def search(self, query: Vectors, count: int, effort: int) -> Ids:
        """Return the vectors that seem to be nearest to a query."""
        count = min(count, self._count)
        found, _ = self._searcher.search(
            query,
            final_num_neighbors=count,
            pre_reorder_num_neighbors=count,
            leaves_to_search=min(effort, self.efforts[-1]),
        )
        return np.asarray(found).astype(np.int64)

    def compared(self, count: int, effort: int) -> float:
        """Return with about how many vectors a search compares the query."""
        lists = self.efforts[-1]
        return lists + min(effort, lists) / lists * self._count / 8

    def save(self, path: str) -> None:
        """Write it to the files of a new folder."""
        os.mkdir(path)
        self._searcher.serialize(path)


class ScannTree(Engine):
    """Builds lists by ScaNN, in memory."""

    name = "scann"
    summary = "lists of near vectors with anisotropic quantization (ScaNN); in memory"
    package = "scann"

    def build(self, vectors: VectorSource, size: int | None, threads: int) -> ScannStructure:
        """Arrange vectors in lists."""
        module, count = self.module(), len(vectors)
        everything = np.concatenate(list(vectors.blocks()))
        builder = module.scann_ops_pybind.builder(everything, 10, "squared_l2")
        builder.set_n_training_threads(threads)
        if count >= _FEWEST:
            lists = _lists_of(count)
            builder = builder.tree(lists, lists, training_sample_size=min(count, 64 * lists))
            builder = builder.score_ah(_DIMENSIONS, anisotropic_quantization_threshold=0.2)
        else:
            builder = builder.score_brute_force()
        return ScannStructure(builder.build(), count)

    def load(self, path: str, count: int, width: int, changeable: bool = False) -> ScannStructure:
        """Load lists."""
        return ScannStructure(self.module().scann_ops_pybind.load_searcher(path), count)


def _lists_of(count: int) -> int:
    return max(1, int(2 * math.sqrt(count))) if count >= _FEWEST else 1
