"""An index in a CSV file as it was committed once."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.atomic_files import explained
from cbir.core.errors import (
    BrokenIndexError,
    printable,
    reason_of,
)
from cbir.core.messages import Parameter
from cbir.core.npz import load_arrays
from cbir.descriptors.base import Row, State, state_digest
from cbir.descriptors.local_features.base import LocalExtractor
from cbir.stores.csv.codec import read_csv, rebuilding
from cbir.stores.csv.column_cache import Cache
from cbir.stores.csv.generations import Generation
from cbir.stores.csv.layout import Layout, content_of
from cbir.stores.features.store import FeatureStore
from cbir.stores.model import (
    Derivation,
    Rows,
    Snapshot,
)


class CsvSnapshot(Snapshot):
    """What a CSV file and its generation say together."""

    def __init__(self, path: str, layout: Layout, generation: Generation, content: str) -> None:
        self.path = path
        self.metadata = generation.metadata
        self.edited = np.empty(0, np.intp)
        self._layout = layout
        self._content = content
        self._lock = threading.Lock()
        self._cache = Cache(layout.caches(), content)
        # Loaded now, because a later commit may clear them; missing ones fail when they are used.
        self._states = {
            entry.state: self._load_state(entry.state)
            for entry in self.metadata.entries
            if entry.state
        }
        self._matrices: dict[str, Row] = {}
        rows = self._cache.rows()
        if rows is None or not all(map(self._cache.holds, self._fingerprints)):
            rows, self._matrices = self._read_csv()
        self.rows = rows
        self._generation = generation

    @property
    def _fingerprints(self) -> list[str]:
        return [entry.fingerprint for entry in self.metadata.entries]

    def _read_csv(self) -> tuple[Rows, dict[str, Row]]:
        """Read the CSV, and cache it if it still is what was opened."""
        rows, matrices = read_csv(str(self._layout.csv), self.metadata.entries)
        if self._is_unchanged():
            ordered = [matrices[entry.alias] for entry in self.metadata.entries]
            self._cache.fill(rows, dict(zip(self._fingerprints, ordered, strict=True)))
        return rows, matrices

    def _is_unchanged(self) -> bool:
        return self._content == content_of(self._layout.csv)

    def matrix(self, alias: str) -> Row:
        entry = self.metadata.entry(alias)
        with self._lock:
            if alias not in self._matrices:
                matrix = self._cache.matrix(entry.fingerprint)
                expected = ((len(self.rows), entry.width), np.dtype(entry.dtype))
                if matrix is not None and (matrix.shape, matrix.dtype) == expected:
                    self._matrices[alias] = matrix
                else:
                    self._matrices = self._read_again()
            return self._matrices[alias]

    def _read_again(self) -> dict[str, Row]:
        """Take the matrices from the CSV, for the cache is damaged."""
        with explained(self.path, "read the index"):
            _, matrices = self._read_csv()
            if not self._is_unchanged():
                raise BrokenIndexError(
                    f"{printable(self.path)}: its cache is damaged, and the index was changed since"
                    " it was opened; open it again"
                )
        return matrices

    @property
    def damage(self) -> list[str]:
        return self._cache.damage

    def check_cache(self) -> None:
        self._cache.check()

    @property
    def generation(self) -> Generation:
        """What the folder says of it."""
        return self._generation

    @property
    def content(self) -> str:
        """What identifies the content of the CSV."""
        return self._content

    @property
    def matrices(self) -> dict[str, Row]:
        """All matrices by alias."""
        return {entry.alias: self.matrix(entry.alias) for entry in self.metadata.entries}

    def find_edited(self) -> int:
        """Compare all rows with what was committed; return how many are certainly of it."""
        sound, certain = self._generation.compare(self._layout.folder, self.rows, self.matrices)
        self.edited = np.flatnonzero(~sound)
        return certain

    def state(self, name: str) -> State:
        state = self._states[name]
        if isinstance(state, BrokenIndexError):
            raise state
        return state

    def features(self, extractor: LocalExtractor[Any]) -> FeatureStore:
        return self._layout.features(extractor)

    def derive(self, alias: str, name: str, build: Derivation) -> dict[str, NDArray[Any]]:
        return self._cache.derive(self.metadata.entry(alias).fingerprint, name, build)

    def _load_state(self, name: str) -> State | BrokenIndexError:
        path = self._layout.states / name
        try:
            state = load_arrays(str(path))
            if state_digest(state) == name.rpartition("-")[2].removesuffix(".npz"):
                return state
            reason = "it is damaged"
        except OSError as error:
            reason = f"it cannot be read: {reason_of(error)}"
        except ValueError as error:
            reason = f"it is damaged: {error}"
        return BrokenIndexError(
            f"{printable(str(path))}: the index needs this file, and {reason}; ",
            rebuilding(self.path, self.root),
            ", or with ",
            Parameter("drop"),
            " and the alias",
        )
