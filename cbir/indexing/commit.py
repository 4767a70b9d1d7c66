"""The last stage of indexing: write the new index, and say what was done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cbir.core.amounts import counted
from cbir.core.errors import CbirError, UnreadableImageError, first_few, printable
from cbir.core.messages import Message, Parameter
from cbir.core.progress import ProgressListener
from cbir.core.version import __version__
from cbir.descriptors.encoders.local_descriptor import extractor_of
from cbir.descriptors.local_features.base import LocalExtractor
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.descriptors.trained import TrainedDescriptor
from cbir.indexing.descriptions import Descriptions
from cbir.indexing.metadata import are_same, carry_over, is_replaced
from cbir.indexing.metadata_join import MetadataReport
from cbir.indexing.plan import Plan
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import Manifest, Rows
from cbir.stores.paths import PathList


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run of indexing did.

    Attributes
    ----------
    index, dataset : str
        Their paths.
    images : int
        In the index now.
    added, updated, reused : int
        Of these: new ones; known ones that were described again, for their content changed or a
        descriptor came; and those that were taken over as they were.
    renamed, removed : int
        Images known by their content under a new path; images that left.
    described : int
        Images that this run decoded; an interrupted run may have described more.
    unreadable : tuple of UnreadableImageError
        Files that could not be read, with their reasons.
    warned : tuple of str
        Paths of images that this run described, though a warning was told about them.
    left_out : mapping of str to int
        Files of formats that are not read, by extension; see ``docs/formats.md``.
    seconds : float
        From the walk to the commit.
    metadata : MetadataReport or None
        What was joined of a table.
    """

    index: str
    dataset: str
    images: int
    added: int
    updated: int
    reused: int
    renamed: int
    removed: int
    described: int
    unreadable: tuple[UnreadableImageError, ...]
    warned: tuple[str, ...]
    left_out: Mapping[str, int]
    seconds: float
    metadata: MetadataReport | None = None

    @property
    def rate(self) -> float:
        """Images described a second."""
        return self.described / self.seconds


def commit(plan: Plan, descriptions: Descriptions, listener: ProgressListener) -> IndexReport:
    """Write the index, unless it would not change, and clear what is no longer needed.

    Parameters
    ----------
    plan : Plan
    descriptions : Descriptions
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
    rows = _rows(plan, descriptions, listener)
    manifest = Manifest(scan.root, _entries(plan), __version__, dba=plan.dba)
    same = (
        base is not None
        and base.manifest == manifest
        and base.rows.has_files_of(rows)
        and are_same(base.rows.metadata, rows.metadata)
    )
    if base is None or descriptions.described.any() or not same:
        plan.writer.commit(manifest, rows, descriptions.matrices, descriptions.unchanged)
    else:
        plan.writer.keep(base)
    for writer in plan.features.values():
        writer.remove_others(rows.facts["sha256"])
    for extractor in _extractors_gone(plan):
        plan.writer.remove_features(extractor)
    _warn_of_drift(plan, descriptions, listener)
    _report_left_out(scan.left_out, listener)
    return IndexReport(
        index=plan.store.path,
        dataset=scan.dataset,
        images=len(rows),
        described=int(descriptions.described.sum()),
        unreadable=(*scan.unreadable, *descriptions.unreadable),
        warned=tuple(descriptions.warned),
        left_out=dict(sorted(scan.left_out.items())),
        seconds=time.perf_counter() - scan.started,
        metadata=plan.joined.report(rows.paths) if plan.joined else None,
        **descriptions.changes(base.rows.paths if base else PathList.of([])),
    )


def _rows(plan: Plan, descriptions: Descriptions, listener: ProgressListener) -> Rows:
    """Return the rows with their metadata: those of the index so far, and those of a table.

    The index so far is kept if something is lost of it that no program may have made.
    """
    rows, previous = descriptions.rows, plan.previous
    joined = plan.joined.columns_of(rows.paths) if plan.joined else {}
    if previous is None:
        return Rows(rows.paths, rows.facts, joined)
    same_root = previous.manifest.root == plan.scan.root
    before, gone = carry_over(previous.rows, rows, same_root, {*joined, *plan.dropped})
    losses = []
    if gone:
        losses.append(
            f"{counted(len(gone), 'image')} with text in columns of your own"
            f" {'leaves' if len(gone) == 1 else 'leave'} the index: {first_few(gone)}"
        )
    lost = [name for name in before if name in joined and is_replaced(before[name], joined[name])]
    lost += [name for name in before if name in plan.dropped and before[name].filled.any()]
    if lost:
        losses.append(f"what was in the metadata columns {first_few(lost)} leaves the index")
    if losses:
        aside = printable(plan.store.set_aside())
        listener.warn(f"{'; '.join(losses)}; the index so far is kept as {aside}")
    columns = {name: cells for name, cells in before.items() if name not in plan.dropped}
    return Rows(rows.paths, rows.facts, {**columns, **joined})


def _entries(plan: Plan) -> tuple[DescriptorEntry, ...]:
    """Describe the descriptors for the manifest, and keep what they learned."""
    entries = []
    for one in plan.named:
        state, descriptor = None, one.descriptor
        if isinstance(descriptor, TrainedDescriptor) and descriptor.state is not None:
            state = plan.writer.save_state(descriptor.state, f"{descriptor.state_name}-{one.alias}")
        entries.append(DescriptorEntry.of(one, state, plan.store.path))
    return tuple(entries)


def _extractors_gone(plan: Plan) -> list[LocalExtractor[Any]]:
    """List what extracted the features of descriptors that the index holds no longer.

    Features that were asked for besides stay; and so do those that duplicates are found by.
    """
    before = []
    for entry in plan.previous.manifest.entries if plan.previous else ():
        with contextlib.suppress(CbirError):  # a plug-in that is gone
            before.append(extractor_of(entry.descriptor(plan.store.path)))
    used = {*plan.features, SiftExtractor().fingerprint}
    return [one for one in before if one is not None and one.fingerprint not in used]


def _warn_of_drift(plan: Plan, descriptions: Descriptions, listener: ProgressListener) -> None:
    for one in plan.named:
        descriptor = one.descriptor
        if isinstance(descriptor, TrainedDescriptor):
            # As one array, whatever they were put together from: a plug-in may ask anything of it.
            drift = descriptor.drift(descriptions.matrices[one.alias][:])
            if drift > descriptor.drift_limit:
                listener.warn(
                    Message(
                        f"{one.alias}: the images differ much from those that its"
                        f" {descriptor.state_name} was trained on (drift {drift:.2f}, expected up"
                        f" to {descriptor.drift_limit:.2f}); train again with ",
                        Parameter("retrain", True),
                    )
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
