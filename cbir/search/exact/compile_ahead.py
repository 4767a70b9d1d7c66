"""Compile ahead, after a long run of indexing, what searches of a large index use."""

from __future__ import annotations

from cbir.descriptors.row_kinds import GLOBAL
from cbir.stores import open_store

_WORTH_ROWS = 100_000
"""Rows from which even a single search may use compiled kernels."""


def compile_kernels(index: str) -> None:
    """Compile the kernels for the rows of an index, if it is a large one.

    Numba keeps them for all later programs of this machine.

    Parameters
    ----------
    index : str
        The index file.
    """
    snapshot = open_store(index).snapshot()
    if len(snapshot.rows) < _WORTH_ROWS:
        return
    from cbir.search.exact import kernels

    for entry in snapshot.manifest.entries:
        descriptor = snapshot.descriptor(entry.alias).descriptor
        if descriptor.kind == GLOBAL and descriptor.metrics[0] in kernels.KERNELS:
            kernels.compile_for(descriptor.metrics[0], descriptor.dtype)
