"""Puts the stages that are asked for around a searcher."""

from __future__ import annotations

from typing import Any

from cbir.search.searchers import Searcher
from cbir.search.stage_options import Stages


def with_stages(searcher: Searcher[Any], stages: Stages) -> Searcher[Any]:
    """Return a searcher with the stages that are asked for, each around the one before it.

    Parameters
    ----------
    searcher : Searcher
        What only compares.
    stages : Stages
    """
    if stages.expand is not None:
        from cbir.search.stages.expansion import Expansion

        searcher = Expansion(searcher, stages.expand)
    if stages.rerank is not None:
        from cbir.search.stages.reranking import Reranking

        searcher = Reranking(searcher, stages.rerank)
    return searcher
