"""Which searchers ``cbir evaluate`` measures, and what of them has to be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cbir.cli.evaluate.options import Options, check_metrics
from cbir.core.errors import UsageError
from cbir.core.progress import ProgressListener
from cbir.descriptors.row_kinds import GLOBAL
from cbir.descriptors.state import origin_of
from cbir.descriptors.trained import TrainedDescriptor
from cbir.evaluation.searcher import SearcherProtocol
from cbir.search.engine import Index
from cbir.search.searchers import Searcher
from cbir.search.stage_options import Stages


def searchers_of(index: Index, options: Options, listener: ProgressListener) -> list[Searcher[Any]]:
    """Return what is to be measured: each descriptor by the metrics that it allows, and fusions."""
    stages = options.stages
    singles = options.singles or ([] if options.fusions else list(index.descriptors))
    searchers = list[Searcher[Any]]()
    allowed_metrics = set[str]()
    for alias in singles:
        metrics = _allowed_metrics(index, alias, options.metrics)
        allowed_metrics.update(metrics)
        if not metrics:
            listener.warn(f"{alias}: none of the metrics makes sense for it; it is left out")
        possible = _possible(index, alias, stages, listener)
        searchers += [
            index.searcher(alias, metric, stages=some, approximate=options.approximate)
            for metric in metrics
            for some in possible
        ]
    if singles and options.metrics:
        check_metrics(options.metrics, allowed_metrics, singles)
    searchers += [
        index.searcher(
            requested.label,
            preset=requested.preset,
            fusion=options.fusion,
            weights=options.weights_of(requested),
            adaptive=options.adaptive,
            stages=some,
            approximate=options.approximate,
        )
        for requested in options.fusions
        for some in stages
    ]
    for note in dict.fromkeys(note for one in searchers for note in one.notes):
        listener.note(note)
    if not searchers:
        none = f"{' and '.join(singles)} has none"
        raise UsageError(f"--dba averages vectors, and {none}; leave it out, or add --dba 0")
    return searchers


def _possible(
    index: Index, alias: str, stages: Sequence[Stages], listener: ProgressListener
) -> list[Stages]:
    """Return which stages searches by one descriptor can have: only vectors can be averaged."""
    if index.single_searcher(alias).named.descriptor.kind == GLOBAL:
        return list(stages)
    without = [some for some in stages if not some.dba]
    if len(without) < len(stages):
        listener.warn(f"{alias}: it has no vectors that could be averaged; --dba leaves it out")
    return without


def warn_of_learning(
    index: Index, searchers: Sequence[SearcherProtocol], listener: ProgressListener
) -> None:
    """Tell of what did not learn elsewhere, as far as its index knows."""
    aliases = dict.fromkeys(alias for one in searchers for alias in one.weights or [one.label])
    for alias in aliases:
        descriptor = index.single_searcher(alias).named.descriptor
        if not isinstance(descriptor, TrainedDescriptor):
            continue
        if descriptor.learns_from_labels:
            listener.warn(
                f"{alias} learned from labels: on images that it learned from, these measures"
                " flatter it; what cbir train --from printed does not"
            )
        elif not origin_of(descriptor.state or {}):
            listener.warn(
                f"{alias} may have learned from the very images that it is measured on, which"
                " flatters it; let it learn from others by cbir train, and index with that --model"
            )


def _allowed_metrics(index: Index, alias: str, metrics: Sequence[str]) -> list[str]:
    """Return the usual metric of a descriptor, or which of some make sense for it."""
    allowed = index.single_searcher(alias).named.descriptor.metrics
    if not metrics:
        return [allowed[0]]
    return [metric for metric in dict.fromkeys(metrics) if metric in allowed]
