"""What a run of indexing need not compute: it is in the previous index, or in the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Row
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.discovery import ImageFile, ImageFiles
from cbir.stores.journal import JournalRecord
from cbir.stores.model import Snapshot

_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


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

    Attributes
    ----------
    matrices : mapping of str to ndarray
        Those of the index so far that are wanted, by fingerprint.
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
        self.matrices = {
            entry.fingerprint: base.matrix(entry.alias)
            for entry in (base.manifest.entries if base else ())
            if base and entry.fingerprint in self._wanted
        }

    def unchanged_rows(self, images: ImageFiles) -> NDArray[np.int64]:
        """Return for each file the row of the index with its whole description, or -1.

        Parameters
        ----------
        images : ImageFiles
            Sorted by the bytes of their paths.
        """
        is_whole = self.matrices.keys() == self._wanted.keys()
        if self._base is None or not len(self._base.rows) or not is_whole:
            return np.full(len(images), -1, np.int64)
        rows = self._base.rows.paths.rows_of(images.paths)
        facts = self._base.rows.facts
        is_changed = (facts["bytes"][rows] != images.sizes) | (
            facts["mtime"][rows] != images.mtimes
        )
        rows[is_changed | np.isin(rows, self._base.edited)] = -1
        self._base.rows.release()
        return rows

    def facts(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return what some rows of the index say of their files."""
        assert self._base is not None
        facts = self._base.rows.facts[rows]
        self._base.rows.release()
        return facts

    def at_row(self, row: int) -> IndexedImage:
        """Return what a row of the index says."""
        assert self._base is not None
        fact = self._base.rows.facts[row]
        rows = {fingerprint: matrix[row] for fingerprint, matrix in self.matrices.items()}
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
        row, record = self._row_with(sha256), self._record_of.get(sha256)
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

    def _row_with(self, sha256: bytes) -> int | None:
        """Return the last row of the index with a content, but for rows that were edited."""
        if self._base is None:
            return None
        keys, order = self._contents
        key = np.frombuffer(sha256[: keys.itemsize], keys.dtype)
        start, stop = (int(np.searchsorted(keys, key, side)[0]) for side in _SIDES)
        facts = self._base.rows.facts
        return next(
            (
                row
                for row in reversed(order[start:stop].tolist())
                if facts["sha256"][row].tobytes() == sha256 and row not in self._edited
            ),
            None,
        )

    @cached_property
    def _edited(self) -> frozenset[int]:
        return frozenset(self._base.edited.tolist() if self._base else ())

    @cached_property
    def _contents(self) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
        """The first bytes of all contents, sorted, and their rows."""
        assert self._base is not None
        digests = np.ascontiguousarray(self._base.rows.facts["sha256"])
        keys = digests.view(np.uint64).reshape(-1, digests.itemsize // 8)[:, 0]
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    @cached_property
    def _record_of(self) -> dict[bytes, JournalRecord]:
        return {record.sha256: record for record in self._records.values()}
