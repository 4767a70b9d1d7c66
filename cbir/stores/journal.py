"""The journal: finished descriptions, kept until they are committed.

A run appends each image that it has described. When it is killed, the next run reads the
journal and does not describe those images again. Every record carries a checksum, so that a
torn end, or any damage, costs the records behind it and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from cbir.core.atomic_files import unshare
from cbir.core.json_text import parse_json
from cbir.stores.paths import check_path

_FRAME = struct.Struct("<II")

_MOST, _LONGEST = 1 << 62, 1 << 31
_HEX_DIGITS = 64

_PATIENCE = 1.0
"""Seconds that records may wait before they are written, many at once."""


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """A described image.

    Attributes
    ----------
    path : str
        Relative to the dataset's root.
    size, mtime, width, height : int
        Bytes, milliseconds, and pixels of the upright image.
    sha256 : bytes
        Of the file.
    rows : mapping of str to bytes
        By descriptor fingerprint, the stored row.
    """

    path: str
    size: int
    mtime: int
    width: int
    height: int
    sha256: bytes
    rows: Mapping[str, bytes]


class Journal:
    """An append-only file of records about one dataset.

    Parameters
    ----------
    path : str
        The file; it is made when the first record comes.
    root : str
        The dataset. Records about another one are not read: equal names, sizes and times do not
        make equal images.
    """

    def __init__(self, path: str, root: str) -> None:
        self.path = path
        self._head = b"cbir journal 1 " + json.dumps(root).encode() + b"\n"
        self._waiting: list[JournalRecord] = []
        self._written = time.monotonic()

    def read(self) -> list[JournalRecord]:
        """Return the sound records, and cut off whatever follows the last of them."""
        try:
            unshare(self.path)
            file = open(self.path, "r+b")  # noqa: SIM115 - the next line closes it
        except FileNotFoundError:
            return []
        except OSError:
            # What cannot be read, or be parted from its other names, must not be appended to.
            with contextlib.suppress(OSError):
                self.discard()
            return []
        with file:
            if file.read(len(self._head)) != self._head:
                file.truncate(0)
                return []
            records = list(_sound_records(file))
            file.truncate()
        return records

    def append(self, record: JournalRecord) -> None:
        """Add a record; it is written with the first one that comes a second later, or more."""
        self._waiting.append(record)
        if time.monotonic() - self._written >= _PATIENCE:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            with open(self.path, "ab") as file:
                if file.tell() == 0:
                    file.write(self._head)
                file.write(b"".join(map(_framed, waiting)))
        self._written = time.monotonic()

    def discard(self) -> None:
        """Remove the file: everything in it is committed."""
        self._waiting.clear()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


def _sound_records(file: BinaryIO) -> Iterator[JournalRecord]:
    """Read records up to the first that is torn, and leave the file's position before it."""
    while True:
        start = file.tell()
        frame = file.read(_FRAME.size)
        if len(frame) == _FRAME.size:
            length, checksum = _FRAME.unpack(frame)
            payload = file.read(length)
            if len(payload) == length and zlib.crc32(payload) == checksum:
                with contextlib.suppress(ValueError, TypeError, AttributeError):
                    yield _decoded(payload)
                    continue
        file.seek(start)
        return


def _framed(record: JournalRecord) -> bytes:
    lengths = tuple((fingerprint, len(row)) for fingerprint, row in record.rows.items())
    # JSON, put together here: the path is all that needs care, and so it takes half the time.
    head = (
        f"[{json.dumps(record.path)}, {record.size}, {record.mtime}, {record.width},"
        f' {record.height}, "{record.sha256.hex()}", {_lengths_text(lengths)}]\n'
    )
    payload = head.encode() + b"".join(record.rows.values())
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


@lru_cache
def _lengths_text(lengths: tuple[tuple[str, int], ...]) -> str:
    return json.dumps(dict(lengths))


def _decoded(payload: bytes) -> JournalRecord:
    head, _, body = payload.partition(b"\n")
    path, size, mtime, width, height, sha256, lengths = parse_json(head)
    check_path(path)
    sides, numbers = (width, height), (size, abs(mtime), width, height)
    if not all(type(n) is int and 0 <= n < _MOST for n in numbers) or not all(
        0 < side < _LONGEST for side in sides
    ):
        raise ValueError("not what is known of an image")
    if len(sha256) != _HEX_DIGITS:
        raise ValueError("not a SHA-256")
    rows, start = {}, 0
    for fingerprint, length in lengths.items():
        rows[fingerprint] = body[start : start + length]
        start += length
    return JournalRecord(path, size, mtime, width, height, bytes.fromhex(sha256), rows)
