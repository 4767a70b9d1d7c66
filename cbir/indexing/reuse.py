"""What a run of indexing need not compute: it is in the previous index, or in the journal."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cbir.core.errors import UnreadableImageError
from cbir.descriptors.base import Row
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.discovery import ImageFile, is_selected
from cbir.stores.journal import JournalRecord
from cbir.stores.model import PathList, Snapshot

_SAMPLE = 32
"""Images by whose content a dataset is recognized that was moved."""


@dataclass(frozen=True, slots=True)
class Item:
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


class Known:
    """Looks descriptions up by path or by content.

    Parameters
    ----------
    previous : Snapshot or None
        The index so far. Nothing is believed of its rows that were edited by hand.
    records : sequence of JournalRecord
        Left by a run that was interrupted.
    named : sequence of NamedDescriptor
        The descriptors that are wanted.
    moved : bool
        The dataset is at another place: only an image's content tells what it is.

    Attributes
    ----------
    paths : PathList
        The paths of the previous index.
    """

    def __init__(
        self,
        previous: Snapshot | None,
        records: Sequence[JournalRecord],
        named: Sequence[NamedDescriptor],
        moved: bool = False,
    ) -> None:
        self._previous = previous
        self._moved = moved
        self.paths = previous.rows.paths if previous else PathList.of([])
        self._edited = frozenset(previous.edited.tolist()) if previous else frozenset[int]()
        self._records = {record.path: record for record in records}
        self._dtypes = {one.descriptor.fingerprint: one.descriptor.dtype for one in named}
        self._bytes = {
            one.descriptor.fingerprint: one.descriptor.width * one.descriptor.dtype.itemsize
            for one in named
        }
        self._matrices = {
            entry.fingerprint: previous.matrix(entry.alias)
            for entry in (previous.metadata.entries if previous else ())
            if previous and entry.fingerprint in self._dtypes
        }

    def at(self, found: ImageFile) -> Item | None:
        """Return what is known of a file that has not changed since."""
        row = self.paths.find(found.path)
        if row is not None and self._previous and row not in self._edited and not self._moved:
            facts = self._previous.rows.facts[row]
            if (facts["bytes"], facts["mtime"]) == (found.size, found.mtime):
                return self.with_content(facts["sha256"].tobytes())
        record = self._records.get(found.path)
        if record and (record.size, record.mtime) == (found.size, found.mtime):
            return self.with_content(record.sha256)
        return None

    def with_content(self, sha256: bytes) -> Item | None:
        """Return what is known of a content, whatever the file's name was."""
        row, record = self._row_of.get(sha256, -1), self._record_of.get(sha256)
        rows: dict[str, Row] = {}
        width = height = 0
        if record:
            width, height = record.width, record.height
            rows = {
                fingerprint: np.frombuffer(data, self._dtypes[fingerprint])
                for fingerprint, data in record.rows.items()
                if len(data) == self._bytes.get(fingerprint)
            }
        if row >= 0 and self._previous:
            facts = self._previous.rows.facts[row]
            width, height = int(facts["width"]), int(facts["height"])
            rows |= {fingerprint: matrix[row] for fingerprint, matrix in self._matrices.items()}
        return Item(sha256, width, height, rows, row) if record or row >= 0 else None

    @cached_property
    def _row_of(self) -> dict[bytes, int]:
        if self._previous is None:
            return {}
        contents = self._previous.rows.facts["sha256"]
        return {
            content.tobytes(): row
            for row, content in enumerate(contents)
            if row not in self._edited
        }

    @cached_property
    def _record_of(self) -> dict[bytes, JournalRecord]:
        return {record.sha256: record for record in self._records.values()}


def is_same_dataset(previous: Snapshot, dataset: str, found: Sequence[ImageFile]) -> bool:
    """Say whether a folder holds the images of an index: most of a sample, by content.

    Parameters
    ----------
    previous : Snapshot
        The index.
    dataset : str
        The folder.
    found : sequence of ImageFile
        What is in it.
    """
    facts = previous.rows.facts
    sizes, contents = set(facts["bytes"].tolist()), {one.tobytes() for one in facts["sha256"]}
    candidates = [one for one in found if one.size in sizes]
    if 2 * len(candidates) < min(len(found), len(facts)):
        return False
    sample = candidates[:: -(-len(candidates) // _SAMPLE) or 1]
    known = sum(_content(os.path.join(dataset, one.path)) in contents for one in sample)
    return known > 0 and 2 * known >= len(sample)


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None


def outside(
    found: Sequence[ImageFile], previous: Snapshot, include: Sequence[str], exclude: Sequence[str]
) -> list[ImageFile]:
    """Add the images of the index that patterns leave out, as they are known.

    Parameters
    ----------
    found : sequence of ImageFile
        What the walk found by the patterns.
    previous : Snapshot
        The index so far.
    include, exclude : sequence of str
        The patterns.
    """
    others = [
        ImageFile(path, int(fact["bytes"]), int(fact["mtime"]))
        for path, fact in zip(previous.rows.paths, previous.rows.facts, strict=True)
        if not is_selected(path, include, exclude)
    ]
    return sorted([*found, *others], key=lambda one: os.fsencode(one.path))


def with_unreachable(
    found: list[ImageFile], previous: Snapshot, dataset: str, errors: Sequence[UnreadableImageError]
) -> list[ImageFile]:
    """Add the images below what could not be looked at: they are not known to be gone.

    Parameters
    ----------
    found : list of ImageFile
        What the walk found.
    previous : Snapshot
        The index so far.
    dataset : str
        The folder that was walked.
    errors : sequence of UnreadableImageError
        What the walk could not look at.
    """
    places = tuple(os.path.relpath(error.path, dataset).replace(os.sep, "/") for error in errors)
    if not places:
        return found
    there = {one.path for one in found}
    rows = previous.rows
    unreachable = [
        ImageFile(path, int(fact["bytes"]), int(fact["mtime"]))
        for path, fact in zip(rows.paths, rows.facts, strict=True)
        if path not in there
        and any(path == place or path.startswith(f"{place}/") for place in places)
    ]
    return sorted([*found, *unreachable], key=lambda one: os.fsencode(one.path))
