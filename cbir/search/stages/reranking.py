"""Ranks the best results of a search again, by how they are like each other.

The distance after it is between two: a share of it is the distance before, the rest says how much
in common the neighbors have (:mod:`cbir.search.stages.k_reciprocal`), or how little of the query's
similarity arrives (:mod:`cbir.search.stages.diffusion`), times the distance of the farthest result
that is ranked again. So distances keep their scale, none is beyond that farthest one, and all other
results follow in their old order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cbir.search.candidates import CandidateSource, Distances, RowMask, RowNumbers, top_k
from cbir.search.fused_searcher import FusedSearcher
from cbir.search.row_searcher import RowSearcher
from cbir.search.searchers import Searcher
from cbir.search.stages.diffusion import diffused_scores
from cbir.search.stages.k_reciprocal import jaccard_distances
from cbir.search.stages.neighbor_graph import Matrix
from cbir.search.stages.row_distances import distances_among
from cbir.search.stages.stage import D, Stage, StagedSource, compared

CANDIDATES = 500
"""Results that are ranked again: the best of what was found."""


def _undiffused(distances: Matrix) -> Distances:
    """Return the share of the best score that does not arrive at each image; the root of it."""
    scores = diffused_scores(distances)
    highest = scores[1:].max(initial=0)
    return 1 - np.sqrt(np.minimum(scores / highest, 1)) if highest > 0 else np.ones(len(scores))


_METHODS: dict[str, tuple[Callable[[Matrix], Distances], float]] = {
    "k-reciprocal": (jaccard_distances, 0.7),
    "diffusion": (_undiffused, 0.5),
}
"""What gives the new distances, 0 to 1, and which share the old ones keep."""


FEW_CANDIDATES = 50
"""The same where comparing two results takes long: by the ranks that local features give."""


class Reranking(Stage[D]):
    """A stage that ranks the best results again; all others follow in their old order.

    Parameters
    ----------
    inner : Searcher
    method : {"k-reciprocal", "diffusion"}
    candidates : int, optional
        Results that are ranked again, so that the cost is bounded whatever the size of the index.
    """

    def __init__(self, inner: Searcher[D], method: str, candidates: int | None = None) -> None:
        super().__init__(inner)
        if candidates is None:
            candidates = FEW_CANDIDATES if _is_slow(self.base) else CANDIDATES
        self._rerank, self._kept_share = _METHODS[method]
        self._candidates = candidates
        self.metric_name = f"{inner.metric_name}, {method}"
        self.meaning = f"{inner.meaning}; the best {candidates} re-ranked by {method}"

    def source_for(self, description: D, eligible: RowMask | None = None) -> StagedSource[D]:
        """Return the rows, the best of them ranked again."""
        before = self._before(description, eligible)
        ranked = top_k(before, description, self._candidates, None, eligible)
        rows = np.array([row for row, _ in ranked], np.intp)
        distances = np.array([distance for _, distance in ranked], np.float64)
        # What compares as equal is the query itself or a copy of it: it stays where it is, and is
        # no neighbor, lest all others seem infinitely farther.
        source, query = compared(before), self.base_description(description)
        is_other = source.exact(query, rows) > 0
        is_other &= (distances > 0) & np.isfinite(distances)
        rows, distances = rows[is_other], distances[is_other]
        if len(rows) > 1:
            distances = self._ranked_again(source, query, rows, distances)
        return StagedSource(before, rows, distances)

    def _ranked_again(
        self, source: CandidateSource[D], query: Any, rows: RowNumbers, distances: Distances
    ) -> Distances:
        farthest = distances[-1]
        matrix = self.base.distances_around(query, rows)
        if matrix is None:
            matrix = np.zeros((len(rows) + 1, len(rows) + 1), np.float32)
            matrix[0, 1:] = matrix[1:, 0] = distances
            matrix[1:, 1:] = distances_among(self.base, source, rows)
        np.nan_to_num(matrix, copy=False, nan=np.inf)
        new = self._rerank(matrix / np.float32(farthest))[1:]
        share = self._kept_share
        # Rounding must not put the farthest beyond those that follow.
        return np.minimum(share * distances + (1 - share) * farthest * new, farthest)


def _is_slow(searcher: Searcher[Any]) -> bool:
    """Say whether each result would have to be described again to be compared with the others."""
    if not isinstance(searcher, FusedSearcher) or searcher.fusion.method != "ranks":
        return False
    return not all(isinstance(one, RowSearcher) for one in searcher.searchers)
