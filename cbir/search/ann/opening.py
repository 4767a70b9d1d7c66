"""Opens the structures of an index, for a search that asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cbir.core.amounts import percent_text
from cbir.core.errors import CbirError, printable
from cbir.core.messages import Call, Message, Parameter
from cbir.search.ann.coverage import Coverage, keys_of
from cbir.search.ann.engines import registry
from cbir.search.ann.geometry import Geometry
from cbir.search.ann.projection import Projection
from cbir.search.ann.source import ApproximateSource
from cbir.search.ann.structure_folder import KeptStructure, StructureFolder
from cbir.search.ann.vectors import VectorMap
from cbir.search.results import approximate_name
from cbir.search.row_searcher import RowSearcher
from cbir.search.searchers import SingleSearcher, scanned
from cbir.search.sources import open_source
from cbir.stores.model import Snapshot

_MUCH = 0.1
"""The share of the rows that is searched exactly from which that is told: it takes time."""


def approximate_searcher(snapshot: Snapshot, searcher: SingleSearcher[Any]) -> SingleSearcher[Any]:
    """Return a searcher whose candidates come from a structure.

    Parameters
    ----------
    snapshot : Snapshot
    searcher : SingleSearcher
        That searches exactly.

    Raises
    ------
    CbirError
        When there is no structure, or the package of its engine is not installed.
    """
    folder = StructureFolder(snapshot.structure_folder)
    found = found_searcher(snapshot, searcher, folder)
    if found is None:
        raise nothing_ready(snapshot, [searcher], folder)
    return found


def found_searcher(
    snapshot: Snapshot, searcher: SingleSearcher[Any], folder: StructureFolder
) -> RowSearcher | None:
    """Return a searcher whose candidates come from a structure, or None where there is none."""
    if not isinstance(searcher, RowSearcher):
        return None
    entry = snapshot.manifest.entry(searcher.label)
    kept = folder.read(entry.fingerprint, searcher.metric.name)
    source = None if kept is None else open_structure(snapshot, searcher, kept, folder)
    if source is None:
        return None
    matrix = snapshot.matrix(searcher.label)
    found = RowSearcher(searcher.named, searcher.metric, matrix, source)
    found.approximate = True
    found.metric_name = approximate_name(searcher.metric_name)
    found.notes = _notes(snapshot, searcher.label, source.coverage)
    return found


def open_structure(
    snapshot: Snapshot, searcher: RowSearcher, kept: KeptStructure, folder: StructureFolder
) -> ApproximateSource | None:
    """Return what a structure makes of an exact search, or None if it is damaged."""
    record, named = kept.record, searcher.named
    engine = registry.get(record.engine) if record.engine in registry.ENGINES else None
    if engine is None:
        folder.tell(record)
        return None
    engine.module()
    try:
        vector_map = kept_vector_map(kept, Geometry(named.descriptor, record.form))
        structure = engine.load(kept.path, record.images, record.width)
        if len(structure) != record.images:
            raise ValueError("another number of vectors")
    except Exception:  # a library may raise anything at all on damaged files
        folder.tell(record)
        return None
    matrix = snapshot.matrix(named.alias)
    return ApproximateSource(
        scanned(searcher.source),
        lambda rows: scanned(open_source(named.descriptor, matrix[rows], searcher.metric)),
        structure,
        vector_map,
        Coverage.of(kept.arrays["keys"], keys_of(snapshot.rows.facts)),
        record.effort,
        record.depth,
    )


def kept_vector_map(kept: KeptStructure, geometry: Geometry) -> VectorMap:
    """Return how the vectors of a structure were made.

    Raises
    ------
    ValueError
        When what is kept is something else.
    """
    arrays = {name: array for name, array in kept.arrays.items() if name != "keys"}
    if geometry.width != kept.record.wide:
        raise ValueError("another width")
    if not arrays:
        return VectorMap(geometry)
    return VectorMap(geometry, Projection.from_arrays(arrays, kept.record.wide, kept.record.width))


def nothing_ready(
    snapshot: Snapshot, searchers: Sequence[SingleSearcher[Any]], folder: StructureFolder
) -> CbirError:
    """Return the error of a search that has no structure."""
    label = "+".join(searcher.label for searcher in searchers)
    first = searchers[0]
    made = Call("optimize", index=snapshot.path, descriptor=label)
    if len(searchers) == 1 and first.metric.name != first.named.descriptor.metrics[0]:
        made = Call("optimize", index=snapshot.path, descriptor=label, metric=first.metric.name)
    what = f"{printable(snapshot.path)}: it is not ready for approximate search by {label}"
    damage = f" ({folder.damage[0]})" if folder.damage else ""
    return CbirError(
        f"{what}{damage}; make it so: ", made, ", or leave out ", Parameter("approximate")
    )


def _notes(snapshot: Snapshot, alias: str, coverage: Coverage) -> tuple[str, ...]:
    """Say where a structure covers so little that searches take long."""
    count = len(coverage.uncovered)
    if count <= _MUCH * len(snapshot.rows):
        return ()
    share = percent_text(count / len(snapshot.rows))
    return (
        Message(
            f"{alias}: {share} of the images are new since it was made ready for approximate"
            " search, and are all compared; bring it up to date: ",
            Call("optimize", index=snapshot.path, descriptor=alias),
        ),
    )
