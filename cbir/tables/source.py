"""Where a table is, and what kind of file or database that is, by its content."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass

from cbir.core.errors import UsageError, printable
from cbir.core.regular_files import open_regular, read_text_source
from cbir.tables.model import MAX_BYTES

_MAGIC = {b"SQLite format 3\0": "sqlite", b"PAR1": "parquet"}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_PLACE = re.compile(r"(?:[^@/?#]*@)?([\w.-]*(?::\d+)?(?:/[\w.-]*)?)(?:\?[^@]*)?")
"""Whoever logs in, in front of the place; what may be a password is on either side of it."""

_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a database.

    Attributes
    ----------
    name : str
        For messages: the file, or the URL without who logs in.
    kind : str
        ``text``, ``json``, ``parquet``, ``sqlite`` or ``url``.
    location : str
        The path or the whole URL.
    data : bytes
        What is in a file of text.
    """

    name: str
    kind: str
    location: str
    data: bytes = b""


def open_source(location: str) -> Source:
    """Find out what is at a path or URL.

    Raises
    ------
    OSError
        When a file cannot be read, or is none.
    UsageError
        When a URL of SQLite names no file.
    """
    url = _URL.fullmatch(location)
    if url is not None:
        scheme, rest = url.groups()
        if scheme.lower().partition("+")[0] == "sqlite":
            return open_source(_file_of_sqlite(rest))
        place = _PLACE.fullmatch(rest)
        return Source(f"{scheme}://{place[1] if place else '…'}", "url", location)
    if not stat.S_ISFIFO(os.stat(location).st_mode):
        with open_regular(location) as file:
            head = file.read(16)
        for magic, kind in _MAGIC.items():
            if head.startswith(magic):
                return Source(location, kind, location)
    data = read_text_source(location, MAX_BYTES)
    start = data[:100].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    is_json = start == b"{" or location.lower().endswith(_JSON_SUFFIXES)
    return Source(location, "json" if is_json else "text", location, data)


def _file_of_sqlite(rest: str) -> str:
    path = rest.removeprefix("/")
    if not path or path == rest or "?" in path or path.startswith((":", "file:")):
        raise UsageError(f"sqlite://{printable(rest)}: name the file of the database by its path")
    return path
