"""What of an index file stays as it is in the next one, and need not be written again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cbir.core.spliced_rows import Sources
from cbir.stores.metadata import MetadataColumn
from cbir.stores.single_file.hashed_file import HashedFile
from cbir.stores.single_file.row_digests import Digests

_BUFFER = 1 << 20
"""Bytes that are copied at a time: few enough to stay in the caches of a processor."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What is known of an index file since it was written.

    Attributes
    ----------
    line_ends : ndarray of int64, shape (n + 1,)
        Where the header and each row end in the file; nothing, if its format has no lines.
    digests : ndarray of uint64, shape (n,)
        Of the rows, in their order.
    checksum : int
        Of the whole file.
    """

    line_ends: NDArray[np.int64]
    digests: Digests
    checksum: int


@dataclass(frozen=True, slots=True)
class KeptRows:
    """Which rows of a new file are those of the file so far.

    Attributes
    ----------
    path : Path
        The file so far.
    written : WrittenFile
        What is known of it.
    sources : ndarray of int64, shape (n,)
        For each row of the new file the one with the same text, or -1.
    """

    path: Path
    written: WrittenFile
    sources: Sources

    def has_header(self, header: bytes) -> bool:
        """Say whether this is what stands before the rows of the file so far."""
        with open(self.path, "rb") as file:
            return file.read(int(self.written.line_ends[0])) == header

    def copy(self, file: HashedFile, start: int, stop: int) -> NDArray[np.int64]:
        """Append the lines of some rows; return where they end now."""
        ends = self.written.line_ends
        first, last = int(ends[start]), int(ends[stop])
        moved = file.tell() - first
        with open(self.path, "rb", buffering=0) as source:
            source.seek(first)
            # A file that is cut off meanwhile is not replaced: it has another stamp.
            while piece := source.read(min(_BUFFER, last - source.tell())):
                file.write(piece)
        return ends[start + 1 : stop + 1] + moved


def same_texts(
    sources: Sources,
    before: Mapping[str, MetadataColumn],
    after: Mapping[str, MetadataColumn],
) -> Sources:
    """Return the rows that also have the same metadata, of those that were there; the others as -1.

    Parameters
    ----------
    sources : ndarray of int64, shape (n,)
        The row that each was, or -1.
    before, after : mapping of str to MetadataColumn
        With the same names.
    """
    for name, column in after.items():
        known = {text: code for code, text in enumerate(before[name].distinct)}
        codes = np.array([known.get(text, -1) for text in column.distinct], np.int64)
        is_same = codes[column.codes] == before[name].codes[sources]
        sources = np.where(is_same, sources, -1)
    return sources
