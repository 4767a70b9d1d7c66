"""What can be computed from a committed index again: memory-mapped copies of its columns.

A cache belongs to one content of the index file, by its SHA-256. It lies beside the index, or in
the user's cache folder where the index's own cannot be written, or else it is only in memory.

Every array is written with a checksum, and is checked wholly when it is first used: what a lost
write, a crash or a bad disk made of it is as good as absent, and is computed again.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.atomic_files import written_aside
from cbir.core.errors import printable
from cbir.core.json_text import parse_json
from cbir.core.packed_text import is_packed
from cbir.core.private_folders import make_folder
from cbir.core.spliced_rows import Matrix, SplicedRows
from cbir.descriptors.base import Row
from cbir.stores.derivation import Derivation, is_array_of
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.metadata import LazyColumns, MetadataColumn
from cbir.stores.model import FILE_DTYPE, Rows
from cbir.stores.paths import PathList, check_path
from cbir.stores.single_file.array_files import checksum, map_array, write_array
from cbir.stores.single_file.kept_rows import WrittenFile
from cbir.stores.single_file.packed_metadata import pack, unpack

_LAYOUT = 3
"""Version of the files below; another one is not read."""

_CONTENT = re.compile(r"[0-9a-f]{16}-\d+")
"""How the folder of a content is called."""

_ABANDONED = 3600
"""Seconds after which a file that is still being written aside is one of a process that died."""

_METADATA = "metadata"
"""The part of the cache that has the columns of metadata."""

_WRITTEN = "written"
"""The part of it that tells of the index file as it was written."""

_NAME = re.compile("[A-Za-z0-9_-]+")
"""What the name of an array may be, which is a part of the name of its file."""

Arrays = dict[str, NDArray[Any]]


class Cache:
    """The cached columns of one content of an index; threads may share it.

    Parameters
    ----------
    folders : list of Path
        Where caches may lie, the preferred one first.
    content : str
        Identifies the content of the index file.

    Attributes
    ----------
    damage : list of str
        A message for each array that was met damaged.
    """

    def __init__(self, folders: list[Path], content: str) -> None:
        self._candidates = [folder / f"{content}-{_LAYOUT}" for folder in folders]
        self.damage: list[str] = []
        self._memory: dict[str, Arrays] = {}
        self._mapped: dict[str, tuple[Arrays, dict[str, int]]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._folder = next((path for path in self._candidates if path.is_dir()), None)

    def rows(self, column: Callable[[str], MetadataColumn]) -> Rows | None:
        """Return the rows, or None when they are not cached, or damaged.

        Parameters
        ----------
        column : callable
            Returns a column of metadata by its name, where what is cached of it is damaged.
        """
        arrays = self._load("rows")
        if arrays is None or set(arrays) != {"blob", "ends", "facts", "columns"}:
            return None
        try:
            paths, facts, names = _rows(arrays)
        except (ValueError, TypeError, AttributeError):
            self._tell("rows")
            return None
        if not names:
            return Rows(paths, facts)
        if self._map(_METADATA) is None:
            return None

        def load(name: str) -> MetadataColumn:
            columns = self._metadata(len(facts))
            return columns[names.index(name)] if len(columns) == len(names) else column(name)

        return Rows(paths, facts, LazyColumns(names, load))

    def _metadata(self, count: int) -> list[MetadataColumn]:
        arrays = self._load(_METADATA)
        try:
            return unpack(arrays, count) if arrays else []
        except (KeyError, ValueError, TypeError, AttributeError):
            self._tell(_METADATA)
            return []

    def holds(self, fingerprint: str) -> bool:
        """Say whether there is a matrix of a descriptor; whether it is sound shows when it is read.

        It is mapped, so that it stays readable when the cache is removed.
        """
        return self._map(fingerprint) is not None

    def matrix(self, fingerprint: str) -> Row | None:
        """Return the matrix of a descriptor, or None when it is not cached, or damaged."""
        arrays = self._load(fingerprint)
        return arrays.get("matrix") if arrays else None

    def written(self, count: int) -> WrittenFile | None:
        """Return what is known of the index file with so many rows, or None."""
        arrays = self._load(_WRITTEN)
        if arrays is None:
            return None
        try:
            places, digests = arrays["places"], arrays["digests"]
            total = int(arrays["checksum"][0])
            is_sound = (
                is_array_of(digests, (count,), np.dtype("<u8"))
                and places.dtype == np.dtype("<i8")
                and places.ndim == 1
            )
        except (KeyError, IndexError, ValueError, TypeError):
            is_sound = False
        if not is_sound:
            self._tell(_WRITTEN)
            return None
        return WrittenFile(places, digests, total)

    def keep_written(self, written: WrittenFile) -> None:
        """Keep what is known of the index file, so that the next one can be made of it."""
        total = np.array([written.checksum], np.int64)
        arrays = {"places": written.places, "digests": written.digests, "checksum": total}
        self._save(_WRITTEN, arrays)

    def fill(
        self, rows: Rows, entries: Sequence[DescriptorEntry], matrices: Mapping[str, Matrix]
    ) -> None:
        """Cache the rows, and the matrices of the descriptors, which are given by alias."""
        columns = np.frombuffer(json.dumps(list(rows.metadata)).encode(), np.uint8)
        paths = rows.paths
        if rows.metadata:
            self._save(_METADATA, pack(list(rows.metadata.values())))
        self._save(
            "rows",
            {"blob": paths.blob, "ends": paths.ends, "facts": rows.facts, "columns": columns},
        )
        for entry in entries:
            self._save(entry.fingerprint, {"matrix": matrices[entry.alias]})

    def remove_derived(self, entries: Sequence[DescriptorEntry]) -> None:
        """Remove what was derived from the matrices of the descriptors; failing to is no harm."""
        kept = {"rows", _METADATA, _WRITTEN, *(entry.fingerprint for entry in entries)}
        for path in self._folder.glob("*") if self._folder is not None else ():
            if path.name.partition(".")[0] not in kept:
                with contextlib.suppress(OSError):
                    path.unlink()

    def derive(self, fingerprint: str, name: str, derivation: Derivation) -> Arrays:
        """Return what is computed from a matrix, computing it at most once.

        What is cached and is something else, as nobody but a forger writes it, is made again.
        """
        key = f"{fingerprint}-{name}"
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            arrays = self._load(key)
            if arrays is not None and not derivation.fits(arrays):
                self._tell(key)
                arrays = None
            if arrays is None:
                arrays = derivation.build()
                self._save(key, arrays)
            return arrays

    def check(self) -> None:
        """Read everything that is kept, so that `damage` tells of it."""
        if self._folder is not None:
            for path in sorted(self._folder.glob("*.json")):
                self._load(path.stem)

    def _load(self, key: str) -> Arrays | None:
        """Return arrays that are sound, or None."""
        if key in self._memory:
            return self._memory[key]
        mapped = self._map(key)
        if mapped is None:
            return None
        arrays, checksums = mapped
        for name, array in arrays.items():
            if checksum(array) != checksums[name]:
                self._tell(key)
                return None
        self._memory[key] = arrays
        return arrays

    def _map(self, key: str) -> tuple[Arrays, dict[str, int]] | None:
        """Return arrays that are not checked yet, and their checksums, or None."""
        if key in self._mapped:
            return self._mapped[key]
        if self._folder is None:
            return None
        try:
            listed = _listed((self._folder / f"{key}.json").read_bytes())
            arrays = {name: map_array(self._folder / f"{key}.{name}.npy") for name in listed}
        except FileNotFoundError:
            return None
        except Exception:  # numpy raises anything at all on damaged files
            self._tell(key)
            return None
        self._mapped[key] = arrays, listed
        return self._mapped[key]

    def _tell(self, key: str) -> None:
        path = printable(f"{self._folder}/{key}")
        self.damage.append(f"{path}.*: this part of the cache was damaged; it is made again")

    def _save(self, key: str, arrays: Mapping[str, Matrix]) -> None:
        whole = {
            name: array for name, array in arrays.items() if not isinstance(array, SplicedRows)
        }
        if len(whole) == len(arrays):
            self._memory[key] = whole
        for folder in [self._folder] if self._folder else self._candidates:
            try:
                make_folder(folder)
                checksums = {}
                for name, array in arrays.items():
                    with written_aside(str(folder / f"{key}.{name}.npy"), durable=False) as file:
                        checksums[name] = write_array(file, array)
                # The list comes last: with it, all arrays are there. Nothing is flushed to the
                # disk, for what a crash leaves has other checksums.
                with written_aside(str(folder / f"{key}.json"), durable=False) as file:
                    file.write(json.dumps(checksums).encode())
            except OSError:
                continue
            self._folder = folder
            return


def _rows(arrays: Arrays) -> tuple[PathList, NDArray[Any], list[str]]:
    """Return what arrays of the right types and lengths say: paths, facts, names of columns.

    Raises
    ------
    ValueError, TypeError, AttributeError
        When they are others, as nobody but a forger writes them.
    """
    blob, ends, facts = arrays["blob"], arrays["ends"], arrays["facts"]
    names = parse_json(arrays["columns"].tobytes())
    count = len(facts)
    sound = (
        facts.dtype == FILE_DTYPE
        and facts.ndim == 1
        and is_packed(blob, ends)
        and bool((np.diff(ends, prepend=0) > 0).all())
        and len(ends) == count
        and isinstance(names, list)
        and all(isinstance(name, str) for name in names)
    )
    if not sound:
        raise ValueError("not rows")
    paths = PathList(blob, ends)
    starts = np.concatenate([[0], ends[:-1]])[:count]
    if (blob[starts] == ord("/")).any() or _may_lead_out(blob):
        for path in paths:
            check_path(path)
    return paths, facts, names


def _may_lead_out(blob: NDArray[np.uint8]) -> bool:
    """Say whether there is anything among paths that is in none of a dataset."""
    if not blob.all():  # a NUL
        return True
    # Two dots, or two slashes: pairs of equal bytes, which are one number of two bytes.
    pairs = (blob[start : len(blob) - (len(blob) - start) % 2].view(np.uint16) for start in (0, 1))
    return any(bool((some == two).any()) for some in pairs for two in (0x2E2E, 0x2F2F))


def _listed(raw: bytes) -> dict[str, int]:
    """Return the checksums of arrays by name, of which none leads to a file elsewhere.

    Raises
    ------
    ValueError
        When it is no such list.
    """
    listed = parse_json(raw)
    if not isinstance(listed, dict) or not all(map(_NAME.fullmatch, listed)):
        raise ValueError("not a list of arrays")
    return listed


def clear_others(folders: list[Path], content: str) -> None:
    """Remove the caches of other contents of the same index, and what was never finished."""
    for folder in folders:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                is_ours = _CONTENT.fullmatch(path.name) and path.is_dir()
                if is_ours and path.name != f"{content}-{_LAYOUT}":
                    shutil.rmtree(path, ignore_errors=True)
        for path in [*folder.glob("*.new"), *folder.glob("*/*.new")]:
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    path.unlink()
