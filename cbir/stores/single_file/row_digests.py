"""Eight bytes for each row of an index, by which rows that were edited by hand are found.

A digest is of the path, of what is known of the file, and of all stored numbers. A generation keeps
those of its rows in a file of its own, sorted: rows may be deleted and put in another order.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.atomic_files import written_aside
from cbir.core.mapped_arrays import steps
from cbir.core.spliced_rows import Matrix, Sources, runs
from cbir.stores.model import Rows

Digests = NDArray[np.uint64]

_MAGIC = b"cbir digests 1\n\n"
_TYPE = np.dtype("<u8")
_CHECKSUM_BYTES = 4

_CHUNK = 1024
"""Rows whose numbers are put side by side at a time."""


def row_digests(
    rows: Rows,
    matrices: Mapping[str, Matrix],
    sources: Sources | None = None,
    known: Digests | None = None,
) -> Digests:
    """Return the digest of each row.

    Parameters
    ----------
    rows : Rows
    matrices : mapping of str to ndarray or SplicedRows
        The numbers, by alias.
    sources : ndarray of int64, shape (n,), optional
        The rows whose digests are known already, or -1.
    known : ndarray of uint64, optional
        These digests.

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    if sources is None or known is None:
        return _digests_of(rows, matrices, slice(0, len(rows)))
    digests = np.zeros(len(rows), _TYPE)
    for run, source in runs(sources):
        if source >= 0:
            digests[run] = known[source : source + run.stop - run.start]
        else:
            digests[run] = _digests_of(rows, matrices, run)
    return digests


def _digests_of(rows: Rows, matrices: Mapping[str, Matrix], run: slice) -> Digests:
    parts: list[Matrix] = [rows.facts, *(matrices[alias] for alias in sorted(matrices))]
    paths = rows.paths.part(run.start, run.stop).encoded()
    digests = bytearray()
    for some in steps(run.stop - run.start, _CHUNK, parts):
        place = slice(run.start + some.start, run.start + some.stop)
        block = np.concatenate([_as_bytes(part[place]) for part in parts], axis=1)
        width, numbers = block.shape[1], block.tobytes()
        # The ends come first: where they are over, no path is taken from those of the next chunk.
        for end, path in zip(range(width, len(numbers) + 1, width), paths, strict=False):
            row = path + b"\0" + numbers[end - width : end]
            digests += blake2b(row, digest_size=_TYPE.itemsize).digest()
    return np.frombuffer(bytes(digests), _TYPE)


def _as_bytes(part: NDArray[Any]) -> NDArray[np.uint8]:
    width = part.itemsize * int(np.prod(part.shape[1:]))
    return np.ascontiguousarray(part).reshape(-1).view(np.uint8).reshape(len(part), width)


def write_digests(path: Path, digests: Digests) -> None:
    """Write digests, sorted; the caller makes their file's name durable."""
    raw = np.sort(digests).astype(_TYPE).tobytes()
    with written_aside(str(path), sync_name=False) as file:
        file.write(_MAGIC)
        file.write(raw)
        file.write(zlib.crc32(raw).to_bytes(_CHECKSUM_BYTES, "little"))


def read_digests(path: Path) -> Digests | None:
    """Read sorted digests; None when there are none, or they are damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    raw, checksum = data[len(_MAGIC) : -_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    sound = (
        data.startswith(_MAGIC)
        and len(raw) % _TYPE.itemsize == 0
        and zlib.crc32(raw).to_bytes(_CHECKSUM_BYTES, "little") == checksum
    )
    return np.frombuffer(raw, _TYPE) if sound else None
