"""Rows and matrices written as CSV text; the lines of rows that have not changed are copied.

One header row, RFC 4180 quoting, one row an image, one column a number; always UTF-8. The
columns are described in ``docs/index-format.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.mapped_arrays import steps
from cbir.core.safe_paths import path_for_csv
from cbir.core.spliced_rows import Matrix, runs
from cbir.core.text import readable_path
from cbir.stores.csv.cells import codec_of
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import Rows
from cbir.stores.single_file.file_format import FACT_COLUMNS
from cbir.stores.single_file.hashed_file import HashedFile
from cbir.stores.single_file.kept_rows import KeptRows

_SPECIAL = re.compile(r'[,"\n\r]|^\s|\s$')
"""What makes quotation marks necessary."""

_CHUNK = 1024
"""Rows that are written at a time."""

_BUFFER = 1 << 20
"""Bytes that are copied at a time: few enough to stay in the caches of a processor."""


def write_csv(
    file: HashedFile,
    rows: Rows,
    entries: Sequence[DescriptorEntry],
    matrices: Mapping[str, Matrix],
    kept: KeptRows | None = None,
) -> NDArray[np.int64]:
    """Write an index.

    Parameters
    ----------
    file : HashedFile
        It is empty.
    rows : Rows
    entries : sequence of DescriptorEntry
        The descriptors, in the order of their columns.
    matrices : mapping of str to ndarray or SplicedRows
        Their rows, by alias.
    kept : KeptRows, optional
        What of the file so far is the same; it makes no difference to what is written.

    Returns
    -------
    ndarray of int64, shape (n + 1,)
        Where the header and each row end in the file.
    """
    has_bytes = not rows.paths.is_utf8
    header = _header(rows, entries, has_bytes)
    file.write(header)
    sources = np.full(len(rows), -1, np.int64)
    if kept is not None and _has_header(kept, header):
        sources = kept.sources
    places = np.full(len(rows) + 1, len(header), np.int64)
    ends = places[1:]
    texts = [(codec_of(entry).encoder(entry), matrices[entry.alias]) for entry in entries]
    for run, source in runs(sources):
        if kept is not None and source >= 0:
            ends[run] = _copy(file, kept, source, source + run.stop - run.start)
            continue
        for part in steps(run.stop - run.start, _CHUNK, matrices.values()):
            some = slice(run.start + part.start, run.start + part.stop)
            lines = _lines(rows, texts, some, has_bytes)
            ends[some] = np.cumsum([len(line) for line in lines]) + file.tell()
            file.write(b"".join(lines))
    return places


def _has_header(kept: KeptRows, header: bytes) -> bool:
    """Say whether the file so far has these columns, and its lines lie one behind the other."""
    places, count = kept.written.places, len(kept.written.digests)
    if len(places) != count + 1 or int(places[-1]) != kept.path.stat().st_size:
        return False
    if places[0] < 0 or (np.diff(places) <= 0).any():  # a forger's
        return False
    with open(kept.path, "rb") as file:
        return file.read(int(places[0])) == header


def _copy(file: HashedFile, kept: KeptRows, start: int, stop: int) -> NDArray[np.int64]:
    """Append the lines of some rows of the file so far; return where they end now."""
    ends = kept.written.places
    first, last = int(ends[start]), int(ends[stop])
    moved = file.tell() - first
    with open(kept.path, "rb", buffering=0) as source:
        source.seek(first)
        # A file that is cut off meanwhile is not replaced: it has another stamp.
        while piece := source.read(min(_BUFFER, last - source.tell())):
            file.write(piece)
    return ends[start + 1 : stop + 1] + moved


def _header(rows: Rows, entries: Sequence[DescriptorEntry], has_bytes: bool) -> bytes:
    names = ["path", *(["path_base64"] if has_bytes else []), *FACT_COLUMNS]
    for entry in entries:
        names += entry.columns
    return ",".join(map(_quoted, [*names, *rows.metadata])).encode() + b"\n"


def _lines(
    rows: Rows,
    numbers: Sequence[tuple[Callable[[Any], str], Matrix]],
    some: slice,
    has_bytes: bool,
) -> list[bytes]:
    lines, facts = [], rows.facts[some].tolist()
    texts = [column.texts(some) for column in rows.metadata.values()]
    parts = [(text, matrix[some]) for text, matrix in numbers]
    for place, (fact, path) in enumerate(zip(facts, rows.paths[some], strict=True)):
        size, mtime, width, height, sha256 = fact
        readable, raw = readable_path(path)
        cells = [_quoted(path_for_csv(readable)), *([raw] if has_bytes else [])]
        cells += [f"{size},{mtime},{width},{height},{sha256.hex()}"]
        cells += [text(part[place]) for text, part in parts]
        cells += [_quoted(column[place]) for column in texts]
        lines.append(f"{','.join(cells)}\n".encode())
    return lines


def _quoted(cell: str) -> str:
    if _SPECIAL.search(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell
