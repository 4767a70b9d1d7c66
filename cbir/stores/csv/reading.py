"""An index read from CSV, however it was edited.

One header row, RFC 4180 quoting, one row an image, one column a number; always UTF-8. The
columns are described in ``docs/index-format.md``.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from cbir.core.amounts import counted
from cbir.core.errors import BrokenIndexError, excerpt, printable
from cbir.core.messages import Parameter
from cbir.descriptors.base import Row
from cbir.stores.csv.cells import bytes_of_hex, check_number, codec_of, whole_numbers
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import FILE_DTYPE, Rows
from cbir.stores.paths import PathList
from cbir.stores.single_file.file_format import FACT_COLUMNS, PARQUET_MAGIC, rebuilding
from cbir.stores.single_file.path_columns import path_of, sorted_places

_CHUNK = 1024
"""Rows that are parsed at a time."""


def read_csv(path: str, entries: Sequence[DescriptorEntry]) -> tuple[Rows, dict[str, Row]]:
    """Read an index from CSV, however it was edited.

    Parameters
    ----------
    path : str
        The file.
    entries : sequence of DescriptorEntry
        The descriptors that it holds.

    Returns
    -------
    Rows, dict of str to ndarray
        The rows, sorted by path, and the matrices by alias.

    Raises
    ------
    BrokenIndexError
        When a cell, a column or the end of the file is not as it should be; the message names
        the line.
    """
    header = read_header(path)
    _check_columns(path, header, entries)
    parts = list(_parsed(path, header, entries))
    paths = [name for part in parts for name in part.paths]
    order, double = sorted_places(paths)
    if double is not None:
        raise BrokenIndexError(
            f"{printable(path)}: two rows have the path {printable(double)!r}"
            f" ({_lines_of(path, double)}); delete one of them"
        )
    matrices = {
        entry.alias: np.concatenate([part.matrices[entry.alias] for part in parts])[order]
        for entry in entries
    }
    facts = np.concatenate([part.facts for part in parts])[order]
    metadata = {
        name: MetadataColumn.of([cell for part in parts for cell in part.metadata[name]]).take(
            np.array(order, np.intp)
        )
        for name in parts[0].metadata
    }
    return Rows(PathList.of(paths[i] for i in order), facts, metadata), matrices


def read_header(path: str) -> list[str]:
    """Return the column names of a CSV file.

    Raises
    ------
    BrokenIndexError
        When the file is empty or not an index.
    """
    try:
        with _opened(path) as file:
            header = next(csv.reader(file), [])
    except UnicodeDecodeError:
        with open(path, "rb") as raw:
            is_parquet = raw.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
        if is_parquet:
            raise BrokenIndexError(
                f"{printable(path)}: not a CSV, but Parquet; give it a name that ends with .parquet"
            ) from None
        raise BrokenIndexError(
            f"{printable(path)}: not an index: this is no text in UTF-8; save it as UTF-8 with"
            " commas, or name another file with ",
            Parameter("index", ...),
        ) from None
    except csv.Error:
        header = ["?"]
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and header[0].startswith(f"path{separator}"):
            raise BrokenIndexError(
                f"{printable(path)}: its columns are separated by {name}; save it with commas"
            )
    if not header:
        raise BrokenIndexError(f"{printable(path)}: the index is empty; ", rebuilding(path))
    missing = [name for name in ("path", *FACT_COLUMNS) if name not in header]
    if missing:
        raise BrokenIndexError(
            f"{printable(path)}: not an index: it has no column {missing[0]!r};"
            " name another file with ",
            Parameter("index", ...),
        )
    return header


@dataclass
class _Part:
    paths: list[str]
    facts: NDArray[Any]
    metadata: dict[str, list[str]]
    matrices: dict[str, Row]


def _parsed(
    path: str, header: Sequence[str], entries: Sequence[DescriptorEntry]
) -> Iterator[_Part]:
    import pandas

    known = {"path", "path_base64", *FACT_COLUMNS}.union(*(entry.columns for entry in entries))
    metadata = [name for name in header if name not in known]
    text = {"path", "path_base64", "sha256", *metadata}
    text = text.union(*(codec_of(entry).text_columns(entry) for entry in entries))
    _check_end(path)
    try:
        with (
            warnings.catch_warnings(),
            pandas.read_csv(
                path,
                names=list(header),
                header=0,
                dtype=dict.fromkeys(text & set(header), str),
                na_filter=False,
                encoding="utf-8-sig",
                chunksize=_CHUNK,
                index_col=False,
                on_bad_lines="error",
                low_memory=False,
            ) as chunks,
        ):
            # A first row with too many cells is only warned of, and costs all rows their last ones.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            for frame in chunks:
                yield _part(frame, metadata, entries)
    except (ValueError, OverflowError, pandas.errors.ParserError, pandas.errors.ParserWarning) as e:
        fault = _find_fault(path, header, entries)
        raise BrokenIndexError(
            f"{printable(path)}: {fault or e}; mend it, or ", rebuilding(path)
        ) from None


def _part(frame: Any, metadata: Sequence[str], entries: Sequence[DescriptorEntry]) -> _Part:
    count = len(frame)
    raw = frame["path_base64"] if "path_base64" in frame else [""] * count
    facts = np.zeros(count, FILE_DTYPE)
    for name in FACT_COLUMNS[:-1]:
        facts[name] = whole_numbers(frame[name].to_numpy(), FILE_DTYPE[name])
    digests = b"".join(bytes_of_hex(cell, 32) for cell in frame["sha256"])
    facts["sha256"] = np.frombuffer(digests, "V32")
    return _Part(
        [path_of(*cells) for cells in zip(frame["path"], raw, strict=True)],
        facts,
        {name: frame[name].tolist() for name in metadata},
        {entry.alias: codec_of(entry).decode(frame, entry) for entry in entries},
    )


def _check_columns(path: str, header: Sequence[str], entries: Sequence[DescriptorEntry]) -> None:
    if len(set(header)) != len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise BrokenIndexError(f"{printable(path)}: two columns are called {twice!r}; rename one")
    there = set(header)
    for entry in entries:
        missing = [name for name in entry.columns if name not in there]
        if missing:
            raise BrokenIndexError(
                f"{printable(path)}: the column {missing[0]!r} is missing; ", rebuilding(path)
            )


def _check_end(path: str) -> None:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) not in b"\r\n":
            raise BrokenIndexError(
                f"{printable(path)}: the last line has no end: the file seems to be cut off;"
                " if that line is whole, end it with a newline, else ",
                rebuilding(path),
            )


def _lines_of(path: str, wanted: str) -> str:
    """Say in which lines a path stands; slow, for the message only."""
    header, lines = read_header(path), []
    with _opened(path) as file:
        reader = csv.reader(file)
        line = 1
        for cells in reader:
            row = dict(zip(header, cells, strict=False))
            with contextlib.suppress(ValueError, KeyError):
                if path_of(row["path"], row.get("path_base64", "")) == wanted:
                    lines.append(str(line))
            line = reader.line_num + 1
    return f"lines {', '.join(lines)}"


def _find_fault(path: str, header: Sequence[str], entries: Sequence[DescriptorEntry]) -> str | None:
    """Say which cell of a CSV file cannot be read; slow, for the message only."""
    checks = _cell_checks(entries)
    with _opened(path) as file:
        reader = csv.reader(file, strict=True)
        try:
            next(reader)
            line = reader.line_num + 1
            for cells in reader:
                if len(cells) != len(header):
                    return f"line {line} has {counted(len(cells), 'cell')}, not {len(header)}"
                for name, cell in zip(header, cells, strict=True):
                    try:
                        checks.get(name, str)(cell)
                    except (ValueError, OverflowError):
                        what = f"line {line}, column {name}: {excerpt(cell, 40)!r}"
                        return f"{what} is not a value of this column"
                if fault := _fault_of_path(dict(zip(header, cells, strict=True))):
                    return f"line {line}: {fault}"
                line = reader.line_num + 1
        except UnicodeDecodeError:
            return f"line {line} is not UTF-8"
        except csv.Error as error:
            return f"line {line}: {error}"
    return None


def _fault_of_path(row: Mapping[str, str]) -> str | None:
    try:
        path_of(row["path"], row.get("path_base64", ""))
    except ValueError as error:
        return f"the path {excerpt(row['path'])!r} cannot be: {error}"
    return None


def _opened(path: str) -> TextIO:
    return open(path, encoding="utf-8-sig", newline="")


def _cell_checks(entries: Iterable[DescriptorEntry]) -> dict[str, Callable[[str], Any]]:
    checks: dict[str, Callable[[str], Any]] = {
        name: partial(check_number, FILE_DTYPE[name]) for name in FACT_COLUMNS[:-1]
    }
    checks["sha256"] = lambda cell: bytes_of_hex(cell, 32)
    checks["path_base64"] = lambda cell: base64.b64decode(cell, validate=True)
    for entry in entries:
        checks |= codec_of(entry).checks(entry)
    return checks
