"""Bytes kept by a key, in one file of bounded size, for as long as they are used now and then."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from cbir.core.private_files import check_private, open_private
from cbir.core.private_folders import make_folder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blobs (
    key TEXT PRIMARY KEY, data BLOB NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blobs_by_use ON blobs (used, key, length(data));
"""

_SHARE_LEFT = 0.9
"""Of the bytes that are allowed, after the oldest have left: not at each one is room made."""

_MEMORY = ":memory:"

_PARTS = ("", "-wal", "-shm", "-journal")
"""Endings of the names of its files."""

_PATIENCE = 5.0
"""Seconds to wait for another process that writes."""


class BlobCache:
    """Keeps bytes by a key; what was not used for longest leaves. Threads and processes share it.

    It lies in the first folder that can be written to, or else in memory. What was damaged is as
    good as absent; what is a link, or has another name, too, is left as it is.

    Parameters
    ----------
    folders : sequence of Path
        Where it may lie, the preferred one first.
    name : str
        Of the file.
    most_bytes : int
        Bytes of all that is kept.

    Examples
    --------
    >>> cache = BlobCache([], "example", 1000)
    >>> cache.put("a", b"data")
    >>> cache.find("a"), cache.find("b")
    (b'data', None)
    """

    def __init__(self, folders: Sequence[Path], name: str, most_bytes: int) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._connection, self._bytes = _opened([folder / name for folder in folders])

    def find(self, key: str) -> bytes | None:
        """Return the bytes of a key, or None."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            query = "SELECT data, used FROM blobs WHERE key = ?"
            row: tuple[bytes, int] | None = self._connection.execute(query, (key,)).fetchone()
            if row is not None:
                if row[1] != _now():
                    self._connection.execute(
                        "UPDATE blobs SET used = ? WHERE key = ?", (_now(), key)
                    )
                return row[0]
        return None

    def put(self, key: str, data: bytes) -> None:
        """Keep bytes, unless there is no room for them at all."""
        if len(data) > self._most:
            return
        with self._lock, contextlib.suppress(sqlite3.Error):  # a full disk: then they are not kept
            self._connection.execute(
                "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)", (key, data, _now())
            )
            self._bytes += len(data)
            if self._bytes > self._most:
                self._make_room()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _make_room(self) -> None:
        """Let the oldest leave. Other processes may have written, too: so count anew."""
        self._bytes = _size(self._connection)
        oldest = "SELECT key, length(data) FROM blobs ORDER BY used, key"
        leaving = []
        for key, size in self._connection.execute(oldest):
            if self._bytes <= _SHARE_LEFT * self._most:
                break
            leaving.append((key,))
            self._bytes -= size
        self._connection.executemany("DELETE FROM blobs WHERE key = ?", leaving)


def _now() -> int:
    """Return the hour: were it more precise, each reading would write."""
    return int(time.time()) // 3600


def _opened(paths: Sequence[Path]) -> tuple[sqlite3.Connection, int]:
    """Open the first file that can be written to; return how many bytes it keeps, too."""
    for path in paths:
        with contextlib.suppress(OSError, sqlite3.Error):
            make_folder(path.parent)
            try:
                return _connected(str(path))
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):  # cannot be written, or is locked
                    raise
                for part in _PARTS:  # damaged
                    path.with_name(path.name + part).unlink(missing_ok=True)
                return _connected(str(path))
    return _connected(_MEMORY)


def _connected(path: str) -> tuple[sqlite3.Connection, int]:
    if path != _MEMORY:
        open_private(path).close()
    connection = sqlite3.connect(
        path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        if path != _MEMORY:
            for part in _PARTS:  # also the file itself: now it is open, and nothing is written yet
                check_private(f"{path}{part}")
        # A power cut may cost what was written last, and nothing else.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        return connection, _size(connection)
    except BaseException:
        connection.close()
        raise


def _size(connection: sqlite3.Connection) -> int:
    query = "SELECT coalesce(sum(length(data)), 0) FROM blobs"
    size: int = connection.execute(query).fetchone()[0]
    return size
