"""Make ahead, after a run of indexing, what searches would have to make first."""

from __future__ import annotations

from cbir.core.progress import ProgressListener
from cbir.descriptors.row_kinds import FEATURES, GLOBAL, HASH
from cbir.search import metrics
from cbir.search.inverted.unused_files import remove_unused
from cbir.search.searcher_kinds import open_searcher
from cbir.stores import open_store
from cbir.stores.model import Snapshot

_WORTH_ROWS = 100_000
"""Rows from which even a single search may use compiled loops."""


def prepare(index: str, is_new: bool, listener: ProgressListener | None = None) -> None:
    """Bring caches up to date, and compile loops for new rows of a large index.

    These are inverted files, and the means of rows where searches compare them.

    What is compiled is kept for all later programs of this machine.

    Parameters
    ----------
    index : str
        The index file.
    is_new : bool
        Images were described: only then are loops worth the time, after a long run.
    listener : ProgressListener, optional
        Told of progress.
    """
    snapshot = open_store(index).snapshot()
    remove_unused(snapshot)
    dba = snapshot.manifest.dba
    for entry in snapshot.manifest.entries:
        if entry.row_kind == FEATURES or (dba and entry.row_kind == GLOBAL):
            named = snapshot.descriptor(entry.alias)
            metric = metrics.get(named.descriptor.metrics[0])
            open_searcher(snapshot, named, metric, listener, dba)
    if is_new and len(snapshot.rows) >= _WORTH_ROWS:
        _compile_loops(snapshot)


def _compile_loops(snapshot: Snapshot) -> None:
    from cbir.search.exact.kernels import HAMMING, loop_of
    from cbir.search.exact.sum_kernel import loop_for

    for entry in snapshot.manifest.entries:
        descriptor = snapshot.descriptor(entry.alias).descriptor
        loops = [loop_of(descriptor.metrics[0], descriptor.dtype), loop_for(descriptor.dtype)]
        if descriptor.kind.counted:
            continue
        for loop in [HAMMING] if descriptor.kind == HASH else loops:
            if loop is not None and loop.ready() is None:
                loop.compile()
