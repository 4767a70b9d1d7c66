"""What of an index file stays as it is in the next one, and need not be written again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cbir.core.spliced_rows import Sources
from cbir.stores.metadata import MetadataColumn
from cbir.stores.single_file.row_digests import Digests


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What is known of an index file since it was written.

    Attributes
    ----------
    places : ndarray of int64
        Where its rows are: of a CSV where the header and each row end, shape (n + 1,); of Parquet
        in which group each row is, shape (n,).
    digests : ndarray of uint64, shape (n,)
        Of the rows, in their order.
    checksum : int
        Of the whole file.
    """

    places: NDArray[np.int64]
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
