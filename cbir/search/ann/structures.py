"""What an index has for approximate search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cbir.search.ann.coverage import Coverage, keys_of
from cbir.search.ann.structure_folder import StructureFolder
from cbir.stores.model import Snapshot


@dataclass(frozen=True, slots=True)
class StructureState:
    """A structure, and how far it serves the index as it is.

    Attributes
    ----------
    alias, metric : str
    engine : str
    covered : int
        Images of the index that it finds; all others are searched exactly.
    gone : int
        Images that are in it and not in the index any more.
    recall, wanted : float
        Of the ten nearest images, the share that is found, and the one that was asked for.
    queries : int
        Images on which that was measured.
    width : int
        Numbers of a vector, or bytes of packed bits.
    bytes : int
        All that it takes on the disk.
    build_seconds : float
        That arranging took.
    """

    alias: str
    metric: str
    engine: str
    covered: int
    gone: int
    recall: float
    wanted: float
    queries: int
    width: int
    bytes: int
    build_seconds: float


@dataclass(frozen=True, slots=True)
class StructureListing:
    """All structures of an index, and what was met damaged."""

    structures: list[StructureState]
    damage: list[str]


def has_structures(snapshot: Snapshot, aliases: Iterable[str]) -> bool:
    """Say whether something was made for approximate search by any of some descriptors."""
    known = {entry.alias: entry.fingerprint for entry in snapshot.manifest.entries}
    wanted = {known[alias] for alias in aliases if alias in known}
    records = StructureFolder(snapshot.structure_folder).records()
    return any(record.fingerprint in wanted for record in records)


def list_structures(snapshot: Snapshot) -> StructureListing:
    """Return what an index has for approximate search; no engine is needed for that."""
    folder = StructureFolder(snapshot.structure_folder)
    aliases = {entry.fingerprint: entry.alias for entry in snapshot.manifest.entries}
    found = []
    for listed in folder.records():
        alias = aliases.get(listed.fingerprint)
        kept = folder.read(listed.fingerprint, listed.metric) if alias is not None else None
        if alias is None or kept is None:
            continue
        record = kept.record
        coverage = Coverage.of(kept.arrays["keys"], keys_of(snapshot.rows.facts))
        found.append(
            StructureState(
                alias,
                record.metric,
                record.engine,
                len(snapshot.rows) - len(coverage.uncovered),
                coverage.gone,
                record.recall,
                record.wanted,
                record.queries,
                record.width,
                record.bytes + record.array_bytes,
                record.build_seconds,
            )
        )
    return StructureListing(sorted(found, key=lambda one: (one.alias, one.metric)), folder.damage)
