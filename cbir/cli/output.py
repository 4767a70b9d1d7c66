"""How commands write to standard output: bytes, lines, CSV, and results one by one."""

from __future__ import annotations

import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from cbir.core.csv_lines import csv_lines
from cbir.core.errors import CbirError, printable, reason_of
from cbir.core.safe_paths import path_for_arguments
from cbir.core.text import as_utf8

Result = TypeVar("Result")


class ResultPrinter(ABC, Generic[Result]):
    """Prints results one by one, as they come.

    Parameters
    ----------
    format_ : str
        ``json``, ``jsonl``, ``csv`` and ``paths`` are for programs, any other one for people.
    null : bool
        Print ``paths`` whatever the format is, and end each with NUL, not with a line feed.
    """

    columns: Sequence[str]
    """Of CSV."""

    def __init__(self, format_: str, null: bool = False) -> None:
        self._format, self._end = ("paths", b"\0") if null else (format_, b"\n")
        self._count = 0

    def print(self, result: Result) -> None:
        """Print one result."""
        if self._format == "json":
            write_out(((",\n" if self._count else "[\n") + self._json(result)).encode())
        elif self._format == "jsonl":
            write_text(self._json(result))
        elif self._format == "csv":
            write_csv([*([] if self._count else [self.columns]), *self.rows(result)])
        elif self._format == "paths":
            write_out(b"".join(path_record(path, self._end) for path in self.paths(result)))
        else:
            write_text(("\n" if self._count else "") + self.text(result))
        self._count += 1

    def finish(self) -> None:
        """Print what comes after the last result."""
        if self._format == "json":
            write_text("\n]" if self._count else "[]")
        elif self._format == "csv" and not self._count:
            write_csv([self.columns])

    def _json(self, result: Result) -> str:
        return json.dumps(self.document(result), ensure_ascii=False)

    @abstractmethod
    def text(self, result: Result) -> str:
        """Return a result as people read it: some lines."""

    @abstractmethod
    def document(self, result: Result) -> Mapping[str, Any]:
        """Return a result as JSON has it."""

    @abstractmethod
    def rows(self, result: Result) -> Iterable[Sequence[Any]]:
        """Return the rows of CSV of a result."""

    @abstractmethod
    def paths(self, result: Result) -> Iterable[str]:
        """Return what a list of paths has of a result."""


def write_out(data: bytes) -> None:
    """Write to standard output, bytes as they are; in a pipe as on a terminal."""
    if sys.stdout is None:
        raise CbirError("standard output is closed")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CbirError(f"cannot write to standard output: {reason_of(error)}") from None


def write_text(text: str) -> None:
    """Write a line to standard output as UTF-8; bytes in it that are not stay as they are."""
    write_out(as_utf8(text + "\n"))


def write_entries(
    entries: Sequence[Mapping[str, Any]],
    format_: str,
    lines: Callable[[Mapping[str, Any]], Sequence[str]],
) -> None:
    """Write a list of what has names to standard output.

    Parameters
    ----------
    entries : sequence of mapping
        Each has a ``name``.
    format_ : str
        ``json``, or any other one for people.
    lines : callable
        Returns what people read beside the name of an entry.
    """
    if format_ == "json":
        write_text(json.dumps(entries, ensure_ascii=False, indent=1))
        return
    width = max(len(entry["name"]) for entry in entries)
    for entry in entries:
        beside = f"\n{'':<{width}}  ".join(lines(entry))
        write_text(f"{entry['name']:<{width}}  {beside}\n")


def path_record(path: str, end: bytes) -> bytes:
    """Return a path as an entry of a list of paths.

    Raises
    ------
    CbirError
        When the list is one of lines, and the path has several: its parts would be taken for
        other files.

    Examples
    --------
    >>> path_record("-a.jpg", b"\\0")
    b'./-a.jpg\\x00'
    """
    if end == b"\n" and "\n" in path:
        raise CbirError(
            f"{printable(path)}: there is a line break in this name, and one line is one path; use"
            " --null, or another format"
        )
    return os.fsencode(path_for_arguments(path)) + end


def write_csv(rows: Iterable[Sequence[Any]]) -> None:
    """Write rows to standard output as CSV, lines ended by a line feed."""
    write_out(csv_lines(rows).encode())
