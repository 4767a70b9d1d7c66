"""The rows of a fusion of which structures name the nearest by each descriptor.

What is near by the fused distance is near by at least one of its parts, as a rule: the candidates
are those of all descriptors together, compared exactly by the fused distance. How many of each are
enough is measured (:mod:`cbir.search.ann.fusion`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cbir.search.ann.choosing import NEAREST
from cbir.search.ann.source import ApproximateSource
from cbir.search.candidates import CandidateSource, RowMask, RowNumbers
from cbir.search.fusion.formulas import Rows, WeightedSum

USUAL_DEPTH = 512
"""Candidates by each descriptor for the ten nearest, where nothing was measured."""


@dataclass(frozen=True, slots=True)
class ApproximateSum(WeightedSum):
    """The sources of several descriptors as one, for one query.

    Parameters
    ----------
    depth : int
        Candidates by each descriptor for the ten nearest.
    """

    depth: int = USUAL_DEPTH

    approximate = True

    def candidates(self, query: Rows, k: int, eligible: RowMask | None = None) -> RowNumbers:
        """Return rows among which are the nearest of those that are eligible, as a rule."""
        return self.named(query, -(-self.depth * max(k, NEAREST) // NEAREST), eligible)

    def named(self, query: Rows, count: int, eligible: RowMask | None = None) -> RowNumbers:
        """Return the candidates of all descriptors, so many by each."""
        there = len(self) if eligible is None else int(np.count_nonzero(eligible))
        if there <= count:
            return np.arange(len(self)) if eligible is None else np.flatnonzero(eligible)
        parts = zip(self.factors, self.sources, query, strict=True)
        named = [_named(source, row, count, eligible) for factor, source, row in parts if factor]
        return np.unique(np.concatenate(named))


def _named(
    source: CandidateSource[Any], query: Any, count: int, eligible: RowMask | None
) -> RowNumbers:
    if isinstance(source, ApproximateSource):
        return source.named(query, count, eligible)
    # Where many rows are equally far, as all that have no visual word in common with the query,
    # all of them are candidates.
    rows = source.candidates(query, count, eligible)
    return rows[np.lexsort((rows, source.exact(query, rows)))[:count]]
