"""Which searcher serves which kind of rows."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import Any, Protocol

from cbir.core.progress import ProgressListener
from cbir.descriptors.registry import NamedDescriptor
from cbir.descriptors.row_kinds import FEATURES, GLOBAL
from cbir.search import metrics
from cbir.search.row_searcher import RowSearcher
from cbir.search.searchers import SingleSearcher
from cbir.stores.model import Snapshot

_SEARCHERS = {FEATURES.name: "cbir.search.inverted.local_searcher:LocalSearcher"}
"""By the name of the kind; imported when they are asked for. Others compare all rows."""


class SearcherClass(Protocol):
    """What is registered: a class that is made of an index and one of its descriptors."""

    def of(
        self,
        snapshot: Snapshot,
        named: NamedDescriptor,
        metric: metrics.Metric,
        listener: ProgressListener | None = None,
    ) -> SingleSearcher[Any]:
        """Return what searches by the descriptor."""


def open_searcher(
    snapshot: Snapshot,
    named: NamedDescriptor,
    metric: metrics.Metric,
    listener: ProgressListener | None = None,
    dba: int = 0,
) -> SingleSearcher[Any]:
    """Return what searches an index by one of its descriptors and a metric.

    Parameters
    ----------
    snapshot : Snapshot
    named : NamedDescriptor
        With what it learned.
    metric : Metric
        One that the descriptor allows.
    listener : ProgressListener, optional
        Told of what has to be made first, and takes long.
    dba : int
        How many of its neighbors each row is averaged with, if rows are vectors; others, of which
        there is no mean, are compared as they are.
    """
    if dba and named.descriptor.kind == GLOBAL:
        from cbir.search.dba.searcher import MeanSearcher  # few searches need it

        return MeanSearcher.averaging(snapshot, named, metric, dba, listener)
    name = _SEARCHERS.get(named.descriptor.kind.name)
    searcher: SearcherClass = RowSearcher if name is None else resolve_name(name)
    return searcher.of(snapshot, named, metric, listener)
