"""The second stage of indexing: what is to be described, by what, and what is known already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.amounts import counted
from cbir.core.errors import BrokenIndexError, CbirError, printable
from cbir.core.messages import Message
from cbir.core.progress import ProgressListener
from cbir.descriptors.registry import NamedDescriptor
from cbir.indexing.local_features import LocalFeatureWriter, feature_writers
from cbir.indexing.metadata_join import MetadataJoin, check_free, join
from cbir.indexing.request import IndexRequest
from cbir.indexing.reuse import ReuseLookup
from cbir.indexing.scan import Scan, recognized
from cbir.indexing.selection import bind_states, choose
from cbir.indexing.train import TrainingImages
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.journal import Journal, JournalRecord
from cbir.stores.model import IndexStore, Snapshot, Writer
from cbir.tables.model import Table


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes
    ----------
    scan : Scan
        What is there, compared with the index so far.
    named : sequence of NamedDescriptor
        The descriptors, ready to describe.
    reused_rows : ndarray of int64, shape (images,)
        The row of the index so far that holds an image's whole description; -1: to be described.
    lookup : ReuseLookup
        What else need not be computed.
    journal : Journal
        Of this dataset.
    features : mapping of str to LocalFeatureWriter
        Keep the local features that are wanted, by the fingerprints of their extractors.
    previous : Snapshot or None
        The index so far.
    base : Snapshot or None
        The same, if more of it is taken over than the user's columns.
    store : IndexStore
    writer : Writer
        Of this store, to write the index to.
    dropped : frozenset of str
        Metadata columns that are to go.
    joined : MetadataJoin or None
        A table whose columns are to come.
    dba : int
        With how many neighbors searches are to average each row.
    """

    scan: Scan
    named: Sequence[NamedDescriptor]
    reused_rows: NDArray[np.int64]
    lookup: ReuseLookup
    journal: Journal
    features: Mapping[str, LocalFeatureWriter]
    previous: Snapshot | None
    base: Snapshot | None
    store: IndexStore
    writer: Writer
    dropped: frozenset[str]
    joined: MetadataJoin | None
    dba: int


def plan(
    scan: Scan,
    request: IndexRequest,
    store: IndexStore,
    writer: Writer,
    listener: ProgressListener,
    table: Table | None = None,
) -> Plan:
    """Compare what was found with the index so far.

    Parameters
    ----------
    scan : Scan
    request : IndexRequest
    store : IndexStore
    writer : Writer
        Of this store.
    listener : ProgressListener
        Told of training, of what is continued and of what is mended.
    table : Table, optional
        What was read of the metadata that are to be joined.

    Raises
    ------
    CbirError
        When the index cannot be read, is about another dataset, or what is wanted contradicts it.
    """
    previous = _previous(store, writer, request.rebuild, listener)
    base = None if request.rebuild else previous
    if base is not None:
        scan = recognized(scan, request, base, listener)
    entries = _entries_before(store, previous, keep=base is not None or not request.descriptors)
    metadata = set(previous.rows.metadata if previous else ())
    dropped = metadata.intersection(request.drop).difference(entry.alias for entry in entries)
    drop = [name for name in request.drop if name not in dropped]
    chosen = choose(entries, request.descriptors, drop, request.index, metadata - dropped)
    _check_installed(chosen, entries, request)
    joined = _joined(request, table, scan, chosen, listener)
    images = TrainingImages(scan.dataset, scan.images, request.workers)
    named = bind_states(chosen, base, request.models, request.retrain, images, listener)
    journal = writer.journal(scan.root)
    features = feature_writers(writer, named, request.features, not request.rebuild)
    lookup = ReuseLookup(base, _records(journal, request.rebuild, listener), named)
    if base is not None:
        _report_repairs(base, listener)
    return Plan(
        scan,
        named,
        _reused_rows(scan, base, lookup, features),
        lookup,
        journal,
        features,
        previous,
        base,
        store,
        writer,
        frozenset(dropped),
        joined,
        (previous.manifest.dba if previous else 0) if request.dba is None else request.dba,
    )


def _check_installed(
    chosen: Sequence[NamedDescriptor], entries: Sequence[DescriptorEntry], request: IndexRequest
) -> None:
    """Refuse before the long work what this machine lacks the packages for.

    What the index holds already may have nothing left to describe.
    """
    there = {entry.alias for entry in entries}
    wanted = {one.alias: one.descriptor.missing for one in chosen if one.alias not in there}
    if request.features is not None:
        wanted[request.features.name] = request.features.missing
    for name, missing in wanted.items():
        if missing is not None:
            raise CbirError(f"{name} {missing}")


def _joined(
    request: IndexRequest,
    table: Table | None,
    scan: Scan,
    chosen: Sequence[NamedDescriptor],
    listener: ProgressListener,
) -> MetadataJoin | None:
    if request.metadata is None or table is None:
        return None
    if table.note:
        listener.note(f"{printable(table.name)}: read as {table.note}")
    joined = join(request.metadata, table, scan.images.paths)
    check_free(joined, {column: named.alias for named in chosen for column in named.columns})
    return joined


def _previous(
    store: IndexStore, writer: Writer, rebuild: bool, listener: ProgressListener
) -> Snapshot | None:
    """Open the index so far; one that is broken is set aside when it is to be rebuilt."""
    try:
        return writer.previous()
    except BrokenIndexError as error:
        if not rebuild:
            raise
        listener.warn(Message(error, f". It is kept as {printable(store.set_aside())}"))
        return None


def _entries_before(
    store: IndexStore, previous: Snapshot | None, keep: bool
) -> tuple[DescriptorEntry, ...]:
    """Return the descriptors that the index is to keep, as far as it can be known."""
    if not keep:
        return ()
    if previous is not None:
        return previous.manifest.entries
    return store.known_entries() if store.exists() else ()


def _records(journal: Journal, rebuild: bool, listener: ProgressListener) -> list[JournalRecord]:
    """Return what an interrupted run has described, unless nothing of it is wanted."""
    if rebuild:
        journal.discard()
    records = journal.read()
    if records:
        listener.note(
            f"Continuing an interrupted run: {counted(len(records), 'image')} described already"
        )
    return records


def _reused_rows(
    scan: Scan,
    base: Snapshot | None,
    lookup: ReuseLookup,
    features: Mapping[str, LocalFeatureWriter],
) -> NDArray[np.int64]:
    if base is None or scan.is_moved:
        return np.full(len(scan.images), -1, np.int64)
    rows = lookup.unchanged_rows(scan.images)
    for one in features.values():
        for place in np.flatnonzero(rows >= 0):
            if base.rows.facts["sha256"][rows[place]].tobytes() not in one.kept:
                rows[place] = -1
    return rows


def _report_repairs(base: Snapshot, listener: ProgressListener) -> None:
    """Tell what is wrong with the index so far, and is mended."""
    for message in base.damage:
        listener.note(message)
    if len(base.edited):
        listener.warn(f"{base.edited_message}; what was edited is described again")
