"""The last stage of indexing: write the new index, and say what was done."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from cbir.core.amounts import counted
from cbir.core.errors import CbirError, first_few, printable
from cbir.core.progress import ProgressListener
from cbir.core.version import __version__
from cbir.descriptors.base import TrainedDescriptor
from cbir.descriptors.registry import NamedDescriptor
from cbir.indexing.descriptions import Descriptions
from cbir.indexing.plan import Plan
from cbir.indexing.report import IndexReport
from cbir.indexing.user_columns import carry_over
from cbir.stores.model import (
    DescriptorEntry,
    IndexStore,
    Metadata,
    PathList,
    Rows,
    Snapshot,
    Writer,
)


def commit(
    plan: Plan,
    descriptions: Descriptions,
    store: IndexStore,
    writer: Writer,
    listener: ProgressListener,
) -> IndexReport:
    """Write the index, unless it would not change, and clear what is no longer needed.

    Parameters
    ----------
    plan : Plan
    descriptions : Descriptions
    store : IndexStore
    writer : Writer
        Of this store.
    listener : ProgressListener
        Told of what leaves the index, and of what its descriptors are not made for.

    Raises
    ------
    CbirError
        When nothing could be read, or the index cannot be written. The old one survives.
    """
    scan, base = plan.scan, plan.base
    if not len(descriptions):
        raise CbirError(
            f"{printable(scan.dataset)}: none of {counted(len(scan.images), 'file')} could be read"
        )
    rows = _rows(plan, descriptions, store, listener)
    metadata = Metadata(scan.root, _entries(plan.named, writer), __version__)
    if base is None or descriptions.described.any() or not _is_current(base, metadata, rows):
        writer.commit(metadata, rows, descriptions.matrices)
    else:
        writer.keep(base)
    if plan.features:
        plan.features.remove_others(rows.facts["sha256"])
    _warn_of_drift(plan.named, descriptions, listener)
    _report_left_out(scan.left_out, listener)
    return IndexReport(
        index=store.path,
        dataset=scan.dataset,
        images=len(rows),
        described=int(descriptions.described.sum()),
        unreadable=(*scan.unreadable, *descriptions.unreadable),
        warned=tuple(descriptions.warned),
        left_out=dict(sorted(scan.left_out.items())),
        seconds=time.perf_counter() - scan.started,
        **descriptions.changes(base.rows.paths if base else PathList.of([])),
    )


def _rows(
    plan: Plan, descriptions: Descriptions, store: IndexStore, listener: ProgressListener
) -> Rows:
    """Return the rows, with the user's columns from those of the index so far.

    That one is kept if images leave it of which it has something that no program made.
    """
    rows, previous = Rows(descriptions.paths, descriptions.facts), plan.previous
    if previous is None:
        return rows
    same_root = previous.metadata.root == plan.scan.root
    carried = carry_over(previous.rows, rows, same_root)
    if gone := carried.left_behind:
        listener.warn(
            f"{counted(len(gone), 'image')} with text in columns of your own"
            f" {'leaves' if len(gone) == 1 else 'leave'} the index: {first_few(gone)}; the index so"
            f" far is kept as {printable(store.set_aside())}"
        )
    return Rows(rows.paths, rows.facts, carried.columns)


def _entries(named: Sequence[NamedDescriptor], writer: Writer) -> tuple[DescriptorEntry, ...]:
    """Describe the descriptors for the metadata, and keep what they learned."""
    entries = []
    for one in named:
        state, descriptor = None, one.descriptor
        if isinstance(descriptor, TrainedDescriptor) and descriptor.state is not None:
            state = writer.save_state(descriptor.state, f"{descriptor.state_name}-{one.alias}")
        entries.append(DescriptorEntry.of(one, state))
    return tuple(entries)


def _is_current(base: Snapshot, metadata: Metadata, rows: Rows) -> bool:
    """Say whether the index would not change."""
    return (
        base.metadata == metadata
        and list(base.rows.paths) == list(rows.paths)
        and bool((base.rows.facts == rows.facts).all())
    )


def _warn_of_drift(
    named: Sequence[NamedDescriptor], descriptions: Descriptions, listener: ProgressListener
) -> None:
    for one in named:
        descriptor = one.descriptor
        if isinstance(descriptor, TrainedDescriptor):
            drift = descriptor.drift(descriptions.matrices[one.alias])
            if drift > descriptor.drift_limit:
                listener.warn(
                    f"{one.alias}: the images differ much from those that its"
                    f" {descriptor.state_name} was trained on (drift {drift:.2f}, expected up to"
                    f" {descriptor.drift_limit:.2f}); train again with --retrain"
                )


def _report_left_out(left_out: Mapping[str, int], listener: ProgressListener) -> None:
    if left_out:
        listed = ", ".join(
            f"{count:,} {extension}"
            for extension, count in sorted(left_out.items(), key=lambda one: (-one[1], one[0]))
        )
        listener.note(
            f"Left out, for these formats are not read: {listed}; docs/formats.md lists the others"
        )
