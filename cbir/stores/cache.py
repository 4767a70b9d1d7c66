"""What can be computed from a committed index again: memory-mapped copies of its columns.

A cache belongs to one content of the index file, by its SHA-256. It lies beside the index, or in
the user's cache folder where the index's own cannot be written, or else it is only in memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Row, digest
from cbir.stores.base import Derivation, PathList, Rows
from cbir.stores.files import written_aside

_LAYOUT = 1
"""Version of the files below; another one is not read."""


class Cache:
    """The cached columns of one content of an index.

    Parameters
    ----------
    folders : list of Path
        Where caches may lie, the preferred one first.
    content : str
        Identifies the content of the index file.
    """

    def __init__(self, folders: list[Path], content: str) -> None:
        self._candidates = [folder / f"{content}-{_LAYOUT}" for folder in folders]
        self._memory: dict[str, dict[str, NDArray[Any]]] = {}
        self._folder = next((path for path in self._candidates if path.is_dir()), None)

    def rows(self) -> Rows | None:
        """Return the rows, or None when they are not cached."""
        arrays = self._load("rows")
        if arrays is None or set(arrays) != {"blob", "ends", "facts", "own"}:
            return None
        own = json.loads(arrays["own"].tobytes())
        return Rows(PathList(arrays["blob"], arrays["ends"]), arrays["facts"], own)

    def matrix(self, fingerprint: str) -> Row | None:
        """Return the matrix of a descriptor, or None when it is not cached."""
        arrays = self._load(fingerprint)
        return arrays.get("matrix") if arrays else None

    def fill(self, rows: Rows, matrices: Mapping[str, Row]) -> None:
        """Cache the rows, and the matrices by fingerprint."""
        own = np.frombuffer(json.dumps(rows.own).encode(), np.uint8)
        everything: dict[str, dict[str, NDArray[Any]]] = {
            "rows": {
                "blob": rows.paths.blob,
                "ends": rows.paths.ends,
                "facts": rows.facts,
                "own": own,
            }
        }
        everything |= {fingerprint: {"matrix": matrix} for fingerprint, matrix in matrices.items()}
        for name, arrays in everything.items():
            self._save(name, arrays)

    def derive(self, fingerprint: str, name: str, build: Derivation) -> dict[str, NDArray[Any]]:
        """Return what `build` computes from a matrix, computing it at most once."""
        key = f"{fingerprint}-{name}"
        arrays = self._load(key)
        if arrays is None:
            arrays = build()
            self._save(key, arrays)
        return arrays

    def _load(self, key: str) -> dict[str, NDArray[Any]] | None:
        if key in self._memory:
            return self._memory[key]
        if self._folder is None:
            return None
        try:
            names = json.loads((self._folder / f"{key}.json").read_bytes())
            arrays = {name: self._map(self._folder / f"{key}.{name}.npy") for name in names}
        except (OSError, ValueError, EOFError):  # absent or damaged: it will be made again
            return None
        self._memory[key] = arrays
        return arrays

    @staticmethod
    def _map(path: Path) -> NDArray[Any]:
        try:
            array: NDArray[Any] = np.load(path, mmap_mode="r")
        except ValueError:  # an empty array cannot be mapped
            array = np.load(path)
        return array.view(np.ndarray)

    def _save(self, key: str, arrays: dict[str, NDArray[Any]]) -> None:
        self._memory[key] = arrays
        for folder in [self._folder] if self._folder else self._candidates:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                for name, array in arrays.items():
                    with written_aside(str(folder / f"{key}.{name}.npy"), durable=False) as file:
                        np.save(file, array, allow_pickle=False)
                # The list of names comes last: with it, all arrays are there.
                with written_aside(str(folder / f"{key}.json"), durable=False) as file:
                    file.write(json.dumps(list(arrays)).encode())
            except OSError:
                continue
            self._folder = folder
            return


def cache_folders(beside: Path, index: str) -> list[Path]:
    """Return where the caches of `index` may lie, the preferred place first."""
    import platformdirs

    user = Path(platformdirs.user_cache_dir("cbir")) / digest(os.fsencode(os.path.realpath(index)))
    return [beside, user]


def clear_others(folders: list[Path], content: str) -> None:
    """Remove the caches of other contents of the same index."""
    for folder in folders:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if path.name != f"{content}-{_LAYOUT}":
                    shutil.rmtree(path, ignore_errors=True)
