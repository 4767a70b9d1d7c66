"""What a run of indexing need not compute: it is in the previous index, or in the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.mapped_arrays import release
from cbir.descriptors.base import Row
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.discovery import ImageFile
from cbir.stores.journal import JournalRecord
from cbir.stores.model import Snapshot


@dataclass(frozen=True, slots=True)
class IndexedImage:
    """An image whose description is known, at least in part.

    Attributes
    ----------
    sha256 : bytes
        Of the file.
    width, height : int
        Pixels of the upright image.
    rows : mapping of str to ndarray
        Stored rows by descriptor fingerprint.
    origin : int
        The row in the previous index that has this content, or -1.
    """

    sha256: bytes
    width: int
    height: int
    rows: Mapping[str, Row]
    origin: int = -1


class ReuseLookup:
    """Looks descriptions up by path or by content.

    Parameters
    ----------
    base : Snapshot or None
        The index so far. Nothing is believed of its rows that were edited by hand.
    records : sequence of JournalRecord
        Left by a run that was interrupted.
    named : sequence of NamedDescriptor
        The descriptors that are wanted.
    """

    def __init__(
        self,
        base: Snapshot | None,
        records: Sequence[JournalRecord],
        named: Sequence[NamedDescriptor],
    ) -> None:
        self._base = base
        self._records = {record.path: record for record in records}
        self._wanted = {one.descriptor.fingerprint: one.descriptor for one in named}
        self._matrices = {
            entry.fingerprint: base.matrix(entry.alias)
            for entry in (base.manifest.entries if base else ())
            if base and entry.fingerprint in self._wanted
        }

    def unchanged_rows(self, images: Sequence[ImageFile]) -> NDArray[np.int64]:
        """Return for each file the row of the index with its whole description, or -1.

        Parameters
        ----------
        images : sequence of ImageFile
            Sorted by the bytes of their paths.
        """
        is_whole = self._matrices.keys() == self._wanted.keys()
        if self._base is None or not len(self._base.rows) or not is_whole:
            return np.full(len(images), -1, np.int64)
        rows = self._base.rows.paths.rows_of(one.path for one in images)
        facts = self._base.rows.facts
        sizes = np.fromiter((one.size for one in images), np.int64, len(images))
        times = np.fromiter((one.mtime for one in images), np.int64, len(images))
        is_changed = (facts["bytes"][rows] != sizes) | (facts["mtime"][rows] != times)
        rows[is_changed | np.isin(rows, self._base.edited)] = -1
        return rows

    def at_rows(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], dict[str, Row]]:
        """Return what some rows of the index say: the facts, and the numbers by fingerprint."""
        assert self._base is not None
        numbers = {fingerprint: matrix[rows] for fingerprint, matrix in self._matrices.items()}
        release(self._matrices.values())
        return self._base.rows.facts[rows], numbers

    def at_row(self, row: int) -> IndexedImage:
        """Return what a row of the index says."""
        assert self._base is not None
        fact = self._base.rows.facts[row]
        rows = {fingerprint: matrix[row] for fingerprint, matrix in self._matrices.items()}
        width, height = int(fact["width"]), int(fact["height"])
        return IndexedImage(fact["sha256"].tobytes(), width, height, rows, row)

    def in_journal(self, image: ImageFile) -> IndexedImage | None:
        """Return what is known of a file that an interrupted run described, if it is the same."""
        record = self._records.get(image.path)
        if record and (record.size, record.mtime) == (image.size, image.mtime):
            return self.with_content(record.sha256)
        return None

    def with_content(self, sha256: bytes) -> IndexedImage:
        """Return what is known of a content, whatever the file's name was; perhaps nothing."""
        row, record = self._row_of.get(sha256), self._record_of.get(sha256)
        known = IndexedImage(sha256, 0, 0, {}) if row is None else self.at_row(row)
        if record is None:
            return known
        rows = {
            fingerprint: np.frombuffer(data, one.dtype)
            for fingerprint, one in self._wanted.items()
            if len(data := record.rows.get(fingerprint, b"")) == one.width * one.dtype.itemsize
        }
        rows.update(known.rows)
        return replace(known, width=record.width, height=record.height, rows=rows)

    @cached_property
    def _row_of(self) -> dict[bytes, int]:
        if self._base is None:
            return {}
        edited, contents = frozenset(self._base.edited.tolist()), self._base.rows.facts["sha256"]
        return {content.tobytes(): row for row, content in enumerate(contents) if row not in edited}

    @cached_property
    def _record_of(self) -> dict[bytes, JournalRecord]:
        return {record.sha256: record for record in self._records.values()}
