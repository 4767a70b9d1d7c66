"""One segment: a file of frames that only ever grows, and the table that says where they lie.

A segment begins with a line that says what it is, and a frame that names the fields of its
records. Each record is another frame: a header of 48 bytes (key, length of the payload, CRC-32 of
the payload, CRC-32 of the header), then the payload: how many items each field has, and the arrays'
own bytes. Everything lies at multiples of 16 bytes, so that arrays can be used where they are.

The table lists the frames up to some byte of the segment. It is written after them, so it may lack
the newest: those are found by hopping from header to header. It is believed only if it is sound and
does not tell of more than there is; a segment without one is hopped through from its beginning.
Then a damaged header costs the records behind it; all other damage costs one record.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cbir.core.atomic_files import explained, unshare, written_aside
from cbir.core.errors import BrokenIndexError, printable
from cbir.core.json_text import parse_json

KEY_BYTES = 32
"""Of a SHA-256."""

MOST_BYTES = 1 << 25
"""Of a payload; 9,000 features take a few MB. Nothing longer is ever read: a forged length, with a
file that is sparse, would cost any time and any memory."""

_ALIGNMENT = 16

ENTRIES = np.dtype([("key", f"V{KEY_BYTES}"), ("offset", "<u8"), ("length", "<u8")])
"""Where the frame of a key lies; the length includes the header."""

_FORMAT = 1
"""Version of the files; another one is refused."""

_MAGIC = b"cbir features\n\n\n"
_TABLE_MAGIC = b"cbir table    1\n"
_HEADER = struct.Struct(f"<{KEY_BYTES}sQI")
_TABLE = struct.Struct("<16sQII")
_CHECKSUM = struct.Struct("<I")

FRAME_BYTES = _HEADER.size + _CHECKSUM.size
"""Of a frame without its payload."""


def framed(key: bytes, payload: bytes) -> bytes:
    """Return the frame of a record; the payload's length must be a multiple of 16."""
    header = _HEADER.pack(key, len(payload), zlib.crc32(payload))
    return header + _CHECKSUM.pack(zlib.crc32(header)) + payload


def _header(raw: bytes | memoryview) -> tuple[bytes, int, int] | None:
    """Return the key, the payload's length and its checksum, or None when the header is damaged.

    One that tells of a longer payload than any is damaged, too, whatever its checksum says.
    """
    if (
        len(raw) != FRAME_BYTES
        or zlib.crc32(raw[: _HEADER.size]) != _CHECKSUM.unpack_from(raw, _HEADER.size)[0]
    ):
        return None
    key, length, checksum = _HEADER.unpack_from(raw)
    return (key, length, checksum) if length <= MOST_BYTES else None


class Layout:
    """The fields of a record, and how a record becomes bytes.

    Parameters
    ----------
    fields : mapping of str to dtype
        For each name, an array whose items have this type, any number of them.

    Raises
    ------
    ValueError
        When a type holds Python objects.
    """

    def __init__(self, fields: Mapping[str, DTypeLike]) -> None:
        self._fields = {name: np.dtype(kind) for name, kind in fields.items()}
        if any(kind.hasobject for kind in self._fields.values()):
            raise ValueError("Python objects cannot be kept")

    @property
    def head(self) -> bytes:
        """What a segment begins with."""
        names = [[name, kind.base.str, *kind.shape] for name, kind in self._fields.items()]
        text = json.dumps({"format": _FORMAT, "fields": names}).encode()
        return _MAGIC + framed(bytes(KEY_BYTES), text + b" " * (-len(text) % _ALIGNMENT))

    def encode(self, record: Mapping[str, NDArray[Any]]) -> bytes:
        """Return the payload of a record.

        Raises
        ------
        ValueError
            When it has other fields, arrays of other types or shapes, or more bytes than any.
        """
        if set(record) != set(self._fields):
            raise ValueError(f"a record has the fields {list(self._fields)}, not {list(record)}")
        counts = np.array([len(record[name]) for name in self._fields], "<u8")
        parts = [counts.tobytes(), bytes(-counts.nbytes % _ALIGNMENT)]
        for name, kind in self._fields.items():
            array = record[name]
            if array.dtype != kind.base or array.shape[1:] != kind.shape:
                raise ValueError(f"{name} must be items of {kind}, not {array.dtype}{array.shape}")
            parts += [array.tobytes(), bytes(-array.nbytes % _ALIGNMENT)]
        payload = b"".join(parts)
        if len(payload) > MOST_BYTES:
            raise ValueError(f"a record has at most {MOST_BYTES:,} bytes, not {len(payload):,}")
        return payload

    def decode(self, payload: memoryview) -> dict[str, NDArray[Any]]:
        """Return the arrays that lie in a payload, not copied.

        Raises
        ------
        ValueError
            When it is too short for what it says of itself.
        """
        counts = np.frombuffer(payload, "<u8", len(self._fields))
        offset = counts.nbytes + -counts.nbytes % _ALIGNMENT
        record: dict[str, NDArray[Any]] = {}
        for (name, kind), count in zip(self._fields.items(), counts.tolist(), strict=True):
            if offset + count * kind.itemsize > len(payload):
                raise ValueError(f"{count} items of {name} do not fit")
            array: NDArray[Any] = np.ndarray(count, kind, payload, offset)
            record[name] = array
            offset += array.nbytes + -array.nbytes % _ALIGNMENT
        return record


def fields_of(start: bytes) -> dict[str, Any] | None:
    """Return the fields that the beginning of a segment names; None where it is none of ours.

    Examples
    --------
    >>> fields_of(Layout({"points": "(4,)<f4", "bits": "u1"}).head)
    {'points': ('<f4', (4,)), 'bits': ('|u1', ())}
    """
    text = start[len(_MAGIC) + FRAME_BYTES :].partition(b"}")[0] + b"}"
    try:
        named = parse_json(text)["fields"]
        fields = {name: (kind, tuple(shape)) for name, kind, *shape in named}
        return fields if start.startswith(Layout(fields).head) else None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, SyntaxError):
        return None


class Segment:
    """One file of frames, as it was when it was opened or since then written to.

    Attributes
    ----------
    path : Path
        The file; its table has the same name with another suffix.
    entries : ndarray of ENTRIES
        The frames, in the order in which they lie in the file.
    end : int
        Bytes up to the end of the last whole frame.
    size : int
        Bytes of the file; what lies behind `end` is torn.
    covered : int
        Bytes that the table on the disk tells of.
    """

    def __init__(self, path: Path, head: bytes) -> None:
        self.path = path
        self.entries: NDArray[Any] = np.empty(0, ENTRIES)
        self.end = self.size = self.covered = 0
        self._head = head
        self._map: mmap.mmap | None = None

    @classmethod
    def create(cls, path: Path, head: bytes) -> Self:
        """Begin a new file, or one that was begun when the disk was full."""
        segment = cls(path, head)
        path.touch()
        segment.repair()
        return segment

    @classmethod
    def open(cls, path: Path, head: bytes) -> Self:
        """Find the frames of a file, and map it: it stays readable when it is removed.

        Raises
        ------
        FileNotFoundError
            When it has been removed.
        BrokenIndexError
            When its records have other fields than `head` tells of.
        """
        segment = cls(path, head)
        # The table first: one that is written meanwhile may tell of more than this file's size.
        table = segment._read_table()
        with open(path, "rb", buffering=0) as file:
            segment.size = os.fstat(file.fileno()).st_size
            segment._check_head(file)
            segment._find_frames(file, table)
            segment._map_file(file)
        return segment

    @property
    def table(self) -> Path:
        """The file of the table."""
        return self.path.with_suffix(".table")

    @property
    def frame_bytes(self) -> int:
        """Bytes of the file without its head."""
        return max(self.size - len(self._head), 0)

    def frame(self, key: bytes, offset: int, length: int) -> memoryview | None:
        """Return the frame of `key`, not copied, or None when it is damaged."""
        if self._map is None or len(self._map) < offset + length:
            if self.end < offset + length:
                return None
            with (
                explained(str(self.path), "read the features"),
                open(self.path, "rb", buffering=0) as file,
            ):
                self._map_file(file)
        frame = memoryview(self._map)[offset : offset + length]  # type: ignore[arg-type]
        header = _header(frame[:FRAME_BYTES])
        # The length first: a sum is taken of no more than a record may have.
        if header is None or header[:2] != (key, length - FRAME_BYTES):
            return None
        return frame if zlib.crc32(frame[FRAME_BYTES:]) == header[2] else None

    def repair(self) -> None:
        """Cut off what is torn, and write the head anew."""
        unshare(str(self.path))
        with open(self.path, "r+b", buffering=0) as file:
            self.end = self.size = max(self.end, len(self._head))
            file.truncate(self.end)
            _write(file, self._head)

    def append(self, frames: bytes) -> None:
        """Write frames behind the last one.

        When that fails, open the file again: some of them may be whole, and read by others already.
        """
        with open(self.path, "r+b", buffering=0) as file:
            file.seek(self.end)
            _write(file, frames)
        self.end += len(frames)
        self.size = max(self.size, self.end)

    def settle(self, added: Mapping[bytes, tuple[int, int]]) -> None:
        """Make the file durable, and write a table with what was `added`: offsets and lengths."""
        if self.covered == self.end and not added:
            return
        with open(self.path, "rb") as file:
            os.fsync(file.fileno())
        new = [(key, offset, length) for key, (offset, length) in added.items()]
        entries = np.concatenate([self.entries, np.array(new, ENTRIES)])
        raw = entries.tobytes()
        with written_aside(str(self.table)) as table:
            table.write(_TABLE.pack(_TABLE_MAGIC, self.end, _table_checksum(self.end, raw), 0))
            table.write(raw)
        self.entries, self.covered = entries, self.end

    def remove(self) -> None:
        """Remove the file; the table goes first, so that it can never seem to be of another."""
        self.table.unlink(missing_ok=True)
        self.path.unlink()

    def _read_table(self) -> tuple[int, NDArray[Any]] | None:
        try:
            # Each entry tells of a frame, which takes at least as many bytes of the segment.
            most = _TABLE.size + self.path.stat().st_size // FRAME_BYTES * ENTRIES.itemsize
            if self.table.stat().st_size > most:
                return None
            raw = self.table.read_bytes()
        except OSError:  # without it, reading takes longer
            return None
        entries = raw[_TABLE.size :]
        if len(raw) < _TABLE.size or len(entries) % ENTRIES.itemsize:
            return None
        magic, covered, checksum, _ = _TABLE.unpack_from(raw)
        if magic != _TABLE_MAGIC or checksum != _table_checksum(covered, entries):
            return None
        return covered, np.frombuffer(entries, ENTRIES)

    def _check_head(self, file: BinaryIO) -> None:
        raw = file.read(len(_MAGIC) + FRAME_BYTES)
        frame = _header(raw[len(_MAGIC) :])
        if frame is None:  # torn or damaged: the frames behind it speak for themselves
            return
        key, length, checksum = frame
        fields = file.read(length)
        same = raw[len(_MAGIC) :] + fields == self._head[len(_MAGIC) :]
        if not same and key == bytes(KEY_BYTES) and zlib.crc32(fields) == checksum:
            raise BrokenIndexError(
                f"{printable(str(self.path))}: it holds other features than this program's;"
                f" remove {printable(str(self.path.parent))}, and they are computed again"
            )

    def _find_frames(self, file: BinaryIO, table: tuple[int, NDArray[Any]] | None) -> None:
        self.end = min(self.size, len(self._head))
        if table is not None and self.end <= table[0] <= self.size:
            self.end, self.entries = table
            self.covered = self.end
        found = []
        while True:
            file.seek(self.end)
            header = _header(file.read(FRAME_BYTES))
            if header is None or self.end + FRAME_BYTES + header[1] > self.size:
                break
            length = FRAME_BYTES + header[1]
            found.append((header[0], self.end, length))
            self.end += length
        self.entries = np.concatenate([self.entries, np.array(found, ENTRIES)])

    def _map_file(self, file: BinaryIO) -> None:
        if self.end:
            self._map = mmap.mmap(file.fileno(), self.end, access=mmap.ACCESS_READ)


def _table_checksum(covered: int, entries: bytes) -> int:
    return zlib.crc32(entries, zlib.crc32(struct.pack("<Q", covered)))


def _write(file: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
