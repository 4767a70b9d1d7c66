"""Local features of images, kept by content: part of an index's state, in append-only files.

A folder holds the features of one extractor, in segments (see :mod:`cbir.stores.features.segment`).
Records are only ever added behind the last one. A killed writer loses what it had not written yet,
about a second's worth; everything else is read as before. A damaged record counts as missing, for
features can be computed again from their image.

Readers take no lock. A segment is removed only after what is wanted of it has been added to another
one, durably, and those who have it open can read on. One writer at a time: the caller holds the
index's lock.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any, Self

from numpy.typing import DTypeLike, NDArray

from cbir.core.atomic_files import explained
from cbir.core.errors import CbirError, printable
from cbir.core.json_text import read_checked, write_checked
from cbir.stores.features.key_index import KeyIndex
from cbir.stores.features.segment import FRAME_BYTES, KEY_BYTES, Layout, Segment, framed
from cbir.stores.file_stamps import Stamp

Features = Mapping[str, NDArray[Any]]
"""What is kept of one image: an array by the name of each field."""

SEGMENT_BYTES = 1 << 29
"""A segment that has grown so long gets a successor. The usual limit of 1024 open files is then
reached at some nine million images of 400 SIFT features."""

_PATIENCE = 1.0
"""Seconds that records may wait before they are written, many at once."""

_BATCH = 1 << 23
"""Bytes that may wait."""

_CHECKED = "checked.json"
"""The stamps of the segments whose records are all known to be sound, and to be features."""

_ATTEMPTS = 20
"""How often a reader starts again because a writer removed a segment meanwhile."""

_OWN = re.compile(r"(\d{8,}|checked)\.")
"""What the names of all files of a store begin with that are its own."""


class FeatureStore:
    """The features of one extractor, by the SHA-256 of the image's file.

    Not to be used by several threads at once. A store that is only read from changes nothing on
    the disk, and sees what was there when it was opened.

    Parameters
    ----------
    folder : str
        Made when the first record comes.
    fields : mapping of str to dtype
        What a record holds: for each name, an array whose items have this type, any number of
        them. Types with a shape make arrays of several dimensions: ``(128,)u1`` stands for
        arrays of uint8 of the shape (n, 128).
    segment_bytes : int
        Size from which a segment gets a successor.

    Attributes
    ----------
    damage : list of str
        A message for each damaged record that was met.
    fields : mapping of str to dtype

    Raises
    ------
    BrokenIndexError
        When the folder holds records with other fields.
    CbirError
        When it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = tempfile.TemporaryDirectory()
    >>> fields = {"points": "(4,)<f4", "descriptors": "(128,)u1", "thumbnail": "u1"}
    >>> record = {
    ...     "points": np.zeros((3, 4), np.float32),
    ...     "descriptors": np.zeros((3, 128), np.uint8),
    ...     "thumbnail": np.frombuffer(b"JPEG", np.uint8),
    ... }
    >>> with FeatureStore(folder.name, fields) as store:
    ...     store.append(bytes(32), record)
    >>> store = FeatureStore(folder.name, fields)
    >>> bytes(32) in store, store.get(bytes(32))["descriptors"].shape
    (True, (3, 128))
    >>> folder.cleanup()
    """

    def __init__(
        self, folder: str, fields: Mapping[str, DTypeLike], segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self.damage: list[str] = []
        self.fields = fields
        self._folder = Path(folder)
        self._layout = Layout(fields)
        self._segment_bytes = segment_bytes
        self._writing = False
        self._checks = False
        self._waiting: dict[bytes, bytes] = {}
        self._waiting_bytes = 0
        self._written = time.monotonic()
        # Of the last segment, what its table does not know yet: offsets and lengths.
        self._recent: dict[bytes, tuple[int, int]] = {}
        self._lost: set[bytes] = set()
        self._load()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __contains__(self, key: object) -> bool:
        """Say whether there is a record; whether it is sound shows when it is read."""
        return isinstance(key, bytes) and (key in self._waiting or self._find(key) is not None)

    def keys(self) -> Iterator[bytes]:
        """Iterate over the keys in the order in which the records lie on the disk.

        That is the order in which they were appended, except that :meth:`compact` moves some to
        the end. Reading in this order is the fastest.
        """
        recent, waiting, index = list(self._recent), list(self._waiting), self._index
        gone = self._lost.union(recent, waiting)
        for segment in index.segments:
            yield from (key for key, _ in index.newest(segment) if key not in gone)
        yield from recent
        yield from waiting

    def get(self, key: bytes) -> dict[str, NDArray[Any]]:
        """Return the record of `key`: read-only arrays, not copied from the file.

        Raises
        ------
        KeyError
            When there is none, or it is damaged; then `damage` tells of it, and from now on it is
            missing, so that it can be appended again.
        """
        if key in self._waiting:
            return self._layout.decode(memoryview(self._waiting[key])[FRAME_BYTES:])
        frame = self._frame(key)
        if frame is None:
            raise KeyError(key.hex())
        try:
            return self._layout.decode(frame[FRAME_BYTES:])
        except ValueError:  # its checksum is right: some other program wrote it
            self._lose(key)
            raise KeyError(key.hex()) from None

    def has_sound(self, key: bytes) -> bool:
        """Say whether there is a record whose checksum is right; a damaged one is missing then."""
        with contextlib.suppress(KeyError):
            self.get(key)
            return True
        return False

    def check_changed(
        self, is_sound: Callable[[Features], bool], believe_stamps: bool = True
    ) -> None:
        """Read the records of the segments that are not those that were checked the last time.

        What is damaged is missing from then on. When the store is closed, it is noted that all
        that is there is sound, by the stamps of the files.

        Parameters
        ----------
        is_sound : callable
            Says whether a record, whose checksum is right, is what the extractor writes.
        believe_stamps : bool
            Else all segments are read.
        """
        known = self._checked() if believe_stamps else {}
        for segment in self._index.segments:
            if known.get(segment.path.name) != _stamp(segment):
                for key, _ in self._index.newest(segment):
                    with contextlib.suppress(KeyError):  # it is told, and missing from now on
                        if not is_sound(self.get(key)):
                            self._lose(key)
        self._checks = True

    def believes_any(self, keys: Iterable[bytes]) -> bool:
        """Say whether :meth:`check_changed` believes a stamp, and leaves one of the records out."""
        known, places = self._checked(), map(self._index.find, keys)
        segments = {place[0].path: place[0] for place in places if place is not None}
        return any(known.get(path.name) == _stamp(one) for path, one in segments.items())

    def _checked(self) -> dict[str, list[int]]:
        known = read_checked(self._folder / _CHECKED, "decoded")
        return known if isinstance(known, dict) else {}

    def _note_checked(self) -> None:
        """Note which segments are sound; failing to costs the next run some time."""
        if self._checks and self._segments and not self._lost:
            with contextlib.suppress(OSError):
                stamps = {segment.path.name: _stamp(segment) for segment in self._segments}
                if stamps != self._checked():
                    write_checked(self._folder / _CHECKED, "decoded", stamps)

    def append(self, key: bytes, record: Features) -> None:
        """Add a record; one whose key is there already is ignored: equal images, equal features.

        Records wait in memory, for the first that comes a second later, or until there are 8 MB.

        Parameters
        ----------
        key : bytes
            SHA-256 of the image's file: 32 bytes.
        record : mapping of str to ndarray
            All fields of the store, and no others, in its types.

        Raises
        ------
        CbirError
            When the disk is full or the folder cannot be written. The records that waited may be
            lost then; those that had been written are not, and the store can be used on.
        ValueError
            When the key or the record is none.
        """
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
        self._begin_writing()
        if key not in self:
            self._wait(key, framed(key, self._layout.encode(record)))

    def take(self, key: bytes, source: FeatureStore) -> None:
        """Add a record of another store with the same fields, as it lies there; not a damaged one.

        Raises
        ------
        CbirError
            As :meth:`append`.
        """
        self._begin_writing()
        frame = None if key in self else source._frame(key)
        if frame is not None:
            self._wait(key, bytes(frame))

    def sync(self) -> None:
        """Write what waits, and make everything durable."""
        self._write()
        if self._writing or self._recent:
            self._settle()

    def close(self) -> None:
        """Write what waits, and make everything durable; another writer may follow."""
        try:
            self.sync()
            self._note_checked()
        finally:
            self._writing = False

    def compact(self, keep: Collection[bytes], share: float = 0.25) -> int:
        """Free the space of records that are not wanted.

        A segment is rewritten when more than `share` of its bytes are of records that are not
        wanted, damaged, or superseded; the others keep theirs for now. It takes the free space of
        one segment. A kill at any moment loses nothing that is wanted.

        Parameters
        ----------
        keep : collection of bytes
            The keys of the records that are wanted.
        share : float
            From 0, at which everything that is not wanted goes, to 1.

        Returns
        -------
        int
            Bytes freed.

        Raises
        ------
        CbirError
            When the disk is full or the folder cannot be written; all records are still there.
        """
        wanted = frozenset(keep)
        self._begin_writing()
        self.sync()
        before = self._bytes()
        for segment in self._index.segments:
            live = {
                key: length
                for key, length in self._index.newest(segment)
                if key in wanted and key not in self._lost
            }
            if segment.frame_bytes - sum(live.values()) > share * segment.frame_bytes:
                self._move(live, segment)
        self._note_checked()
        return before - self._bytes()

    def _load(self) -> None:
        head = self._layout.head
        with explained(str(self._folder), "read the features"):
            for attempt in range(_ATTEMPTS):
                try:
                    paths = sorted(self._folder / name for name in self._names(".segment"))
                    self._segments = [Segment.open(path, head) for path in paths]
                    break
                except FileNotFoundError:
                    if attempt == _ATTEMPTS - 1:
                        raise
        self._index = KeyIndex(self._segments)
        self._recent.clear()
        self._lost = {key for key in self._lost if self._index.find(key) is not None}

    def _names(self, suffix: str) -> list[str]:
        """Return the names of the files of the store; what else is there is left alone."""
        with contextlib.suppress(FileNotFoundError):
            names = [name for name in os.listdir(self._folder) if name.endswith(suffix)]
            # What has just been removed is among them, so that a reader notices and begins again.
            return [
                name for name in names if _OWN.match(name) and not (self._folder / name).is_dir()
            ]
        return []

    def _find(self, key: bytes) -> tuple[Segment, int, int] | None:
        if key in self._recent:
            return self._segments[-1], *self._recent[key]
        return None if key in self._lost else self._index.find(key)

    def _frame(self, key: bytes) -> memoryview | None:
        """Return the sound frame of a key that does not wait; a damaged one is told and dropped."""
        place = self._find(key)
        if place is None:
            return None
        segment, offset, length = place
        frame = segment.frame(key, offset, length)
        if frame is None:
            self._lose(key)
        return frame

    def _lose(self, key: bytes) -> None:
        """Tell of a damaged record, and take it for missing from now on."""
        place = self._find(key)
        assert place is not None, "it was just read"
        segment, offset, _ = place
        self.damage.append(
            f"{printable(str(segment.path))}: damaged at byte {offset}: the features of the"
            f" image with the SHA-256 {key.hex()} must be computed again"
        )
        self._recent.pop(key, None)
        self._lost.add(key)

    def _begin_writing(self) -> None:
        """See what is there now, mend it, and clear what a killed writer left."""
        if self._writing:
            return
        self._load()
        with explained(str(self._folder), "write the features"):
            self._folder.mkdir(parents=True, exist_ok=True)
            tables = {segment.table.name for segment in self._segments}
            for name in [*self._names(".new"), *self._names(".table")]:
                if name not in tables:
                    (self._folder / name).unlink()
            if self._segments:
                self._segments[-1].repair()
            for segment in self._segments:
                segment.settle({})
        self._writing = True

    def _wait(self, key: bytes, frame: bytes) -> None:
        self._waiting[key] = frame
        self._waiting_bytes += len(frame)
        if self._waiting_bytes >= _BATCH or time.monotonic() - self._written >= _PATIENCE:
            self._write()

    def _write(self) -> None:
        if self._waiting:
            try:
                with explained(str(self._folder), "write the features"):
                    if not self._segments or self._segments[-1].end >= self._segment_bytes:
                        self._add_segment()
                    offset = self._segments[-1].end
                    self._segments[-1].append(b"".join(self._waiting.values()))
            except CbirError:
                self._forget_waiting()
                self._writing = False  # see again what is there before writing more
                raise
            for key, frame in self._waiting.items():
                self._recent[key] = offset, len(frame)
                offset += len(frame)
            self._forget_waiting()
        self._written = time.monotonic()

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = 0

    def _add_segment(self) -> None:
        self._settle()
        number = int(self._segments[-1].path.stem) + 1 if self._segments else 0
        path = self._folder / f"{number:08}.segment"
        self._segments.append(Segment.create(path, self._layout.head))

    def _settle(self) -> None:
        if self._segments:
            with explained(str(self._folder), "write the features"):
                self._segments[-1].settle(self._recent)
        if self._recent:
            self._index = KeyIndex(self._segments)
            self._lost.difference_update(self._recent)
            self._recent.clear()

    def _move(self, keys: Iterable[bytes], segment: Segment) -> None:
        """Append the records of `keys` once more, and then remove the segment that they are in."""
        if segment is self._segments[-1]:
            with explained(str(self._folder), "write the features"):
                self._add_segment()
        for key in keys:
            frame = self._frame(key)
            if frame is not None:
                self._wait(key, bytes(frame))
        self.sync()
        with explained(str(segment.path), "remove old features"):
            segment.remove()
        self._segments.remove(segment)
        self._index = KeyIndex(self._segments)

    def _bytes(self) -> int:
        return sum(segment.size for segment in self._segments)


def _stamp(segment: Segment) -> list[int]:
    """Return the stamp of a segment; one that a writer has removed meanwhile has none."""
    with contextlib.suppress(FileNotFoundError):
        return list(astuple(Stamp.of(segment.path)))
    return []
