"""Fuses descriptors in an approximate search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cbir.core.messages import Call, Message
from cbir.search.ann.fused_source import USUAL_DEPTH
from cbir.search.ann.fusion_tuning import FusionTuning, fusion_name
from cbir.search.ann.opening import found_searcher, nothing_ready
from cbir.search.ann.structure_folder import StructureFolder
from cbir.search.fused_searcher import FusedSearcher
from cbir.search.fusion.options import Fusion
from cbir.search.row_searcher import RowSearcher
from cbir.search.searchers import SingleSearcher
from cbir.stores.model import Snapshot


def approximate_fusion(
    snapshot: Snapshot,
    searchers: Sequence[SingleSearcher[Any]],
    fusion: Fusion,
    label: str | None = None,
) -> FusedSearcher:
    """Return what fuses descriptors, of which those that have a structure name few candidates.

    The others are asked for their nearest rows, which they find as before.

    Raises
    ------
    CbirError
        When none of them has a structure.
    """
    folder = StructureFolder(snapshot.structure_folder)
    found = [found_searcher(snapshot, searcher, folder) for searcher in searchers]
    if not any(found):
        raise nothing_ready(snapshot, searchers, folder)
    aliases = [searcher.label for searcher in searchers]
    measured = FusionTuning.kept(folder, fusion_name(snapshot, aliases, fusion))
    used = [one or searcher for one, searcher in zip(found, searchers, strict=True)]
    depth = USUAL_DEPTH if measured is None else measured.depth
    fused = FusedSearcher(used, fusion, label, depth)
    lacking = [
        searcher.label
        for one, searcher in zip(found, searchers, strict=True)
        if one is None and isinstance(searcher, RowSearcher)
    ]
    if lacking:
        fused.notes += (_lacking(snapshot, lacking),)
    if measured is None:
        fused.notes += (
            f"{fused.label}: how many of the nearest images this fusion finds was not measured",
        )
    return fused


def _lacking(snapshot: Snapshot, aliases: Sequence[str]) -> Message:
    """Say by which descriptors of a fusion all images are compared."""
    label = "+".join(aliases)
    return Message(
        f"{' and '.join(aliases)}: all images are compared, for nothing was made ready; make it"
        " so: ",
        Call("optimize", index=snapshot.path, descriptor=label),
    )
