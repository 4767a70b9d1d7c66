"""The distances among rows of an index, as any searcher measures them for one query."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from cbir.search.candidates import CandidateSource, RowNumbers
from cbir.search.fused_searcher import FusedSearcher
from cbir.search.fusion.formulas import WeightedSum
from cbir.search.row_distances import RowMatrix
from cbir.search.searchers import Searcher, SingleSearcher


def distances_among(
    searcher: Searcher[Any], source: CandidateSource[Any], rows: RowNumbers
) -> RowMatrix:
    """Return the distances among some rows, as they are measured for one query.

    Those of a fusion are put together by the weights that the query has, by which it is compared
    with the rows, too: so they are symmetric, and cost no more than a weighted sum of what is
    kept of each descriptor (:class:`~cbir.search.row_distances.RowDistances`). A searcher that
    this does not know is asked row by row.

    Parameters
    ----------
    searcher : Searcher
        One that only compares.
    source : CandidateSource
        What it returns for the query: that of a fusion has the weights.
    rows : ndarray of int, shape (m,)

    Returns
    -------
    ndarray of float, shape (m, m)
        Symmetric but for rounding; in a fusion of ranks, those that each row gives to the others.
    """
    if isinstance(searcher, SingleSearcher):
        return searcher.row_distances.among(rows)
    if isinstance(searcher, FusedSearcher) and isinstance(source, WeightedSum):
        parts = zip(source.factors, searcher.searchers, strict=True)
        return reduce(
            np.add, (np.float32(factor) * one.row_distances.among(rows) for factor, one in parts)
        )
    found = np.empty((len(rows), len(rows)), np.float64)
    for place, row in enumerate(rows.tolist()):
        description = searcher.indexed(row)
        found[place] = searcher.source_for(description).exact(description, rows)
    return found
