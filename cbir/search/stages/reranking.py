"""Ranks the best results of a search again, by how they are like each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from cbir.search.candidates import RowMask, top_k
from cbir.search.searchers import Searcher
from cbir.search.stages.k_reciprocal import jaccard_distances
from cbir.search.stages.row_distances import RowDistances
from cbir.search.stages.stage import D, Stage, StagedSource

CANDIDATES = 500
"""Results that are ranked again: the best of what was found."""

_ORIGINAL = 0.3
"""What the distance to the query counts beside the new one; the paper's."""


class Reranking(Stage[D]):
    """A stage that ranks the best results again; all others follow in their old order.

    Parameters
    ----------
    inner : Searcher
    method : {"k-reciprocal"}
    candidates : int
        Results that are ranked again, so that the cost is bounded whatever the size of the index.
    """

    def __init__(self, inner: Searcher[D], method: str, candidates: int = CANDIDATES) -> None:
        super().__init__(inner)
        self.method = method
        self._candidates = candidates
        self._row_distances = RowDistances(self.base)

    def source_for(self, description: D, eligible: RowMask | None = None) -> StagedSource[D]:
        """Return the rows, the best of them ranked again."""
        before = self._before(description, eligible)
        ranked = top_k(before, description, self._candidates, None, eligible)
        rows = np.array([row for row, _ in ranked], np.intp)
        distances = np.array([distance for _, distance in ranked], np.float64)
        farthest: Any = distances[-1] if len(distances) else 0.0
        if not farthest > 0:
            return StagedSource(before, rows, distances)
        matrix = np.zeros((len(rows) + 1, len(rows) + 1), np.float32)
        matrix[0, 1:] = matrix[1:, 0] = distances
        matrix[1:, 1:] = self._row_distances.among(rows)
        jaccard = jaccard_distances(matrix)[1:]
        after = _ORIGINAL * distances + (1 - _ORIGINAL) * farthest * jaccard
        return StagedSource(before, rows, after)
