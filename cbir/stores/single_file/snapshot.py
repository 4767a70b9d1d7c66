"""An index in a file as it was committed once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.amounts import counted
from cbir.core.atomic_files import explained
from cbir.core.errors import BrokenIndexError, printable, reason_of
from cbir.core.messages import Call, Message, Parameter
from cbir.core.npz import load_arrays
from cbir.descriptors.base import Row
from cbir.descriptors.local_features.base import LocalExtractor
from cbir.descriptors.state import State, state_digest
from cbir.stores.derivation import Derivation, is_array_of
from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import Findings, Rows, Snapshot, edited_rows
from cbir.stores.single_file.column_cache import Cache
from cbir.stores.single_file.file_format import FileFormat, rebuilding
from cbir.stores.single_file.generations import Generation
from cbir.stores.single_file.hashed_file import content_of
from cbir.stores.single_file.kept_rows import WrittenFile
from cbir.stores.single_file.layout import Layout

if TYPE_CHECKING:
    from cbir.stores.features.store import FeatureStore


class FileSnapshot(Snapshot):
    """What an index file and its generation say together.

    Attributes
    ----------
    generation : Generation
        What the folder says of it.
    """

    def __init__(
        self,
        path: str,
        layout: Layout,
        file_format: FileFormat,
        generation: Generation,
        content: str,
    ) -> None:
        self.path = path
        self.manifest = generation.manifest
        self.edited = np.empty(0, np.intp)
        self.generation = generation
        self.content = content
        self._layout = layout
        self._format = file_format
        self._lock = threading.Lock()
        self._cache = Cache(layout.caches(), content)
        # Loaded now, because a later commit may clear them; missing ones fail when they are used.
        self._states = {
            entry.state: self._load_state(entry.state)
            for entry in self.manifest.entries
            if entry.state
        }
        self._matrices: dict[str, Row] = {}
        rows = self._cache.rows(self._column_again)
        entries = self.manifest.entries
        if rows is None or not all(self._cache.holds(entry.fingerprint) for entry in entries):
            rows, self._matrices = self._read_file()
        self.rows = rows

    def _read_file(self) -> tuple[Rows, dict[str, Row]]:
        """Read the file, and cache it if it still is what was opened."""
        rows, matrices = self._read_rows()
        if self._is_unchanged():
            self._cache.fill(rows, self.manifest.entries, matrices)
        return rows, matrices

    def _read_rows(self) -> tuple[Rows, dict[str, Row]]:
        return self._format.read(str(self._layout.file), self.manifest.entries)

    def _is_unchanged(self) -> bool:
        return self.content == content_of(self._layout.file)

    def matrix(self, alias: str) -> Row:
        entry = self.manifest.entry(alias)
        with self._lock:
            if alias not in self._matrices:
                matrix = self._cache.matrix(entry.fingerprint)
                expected = (len(self.rows), entry.width), np.dtype(entry.dtype)
                if matrix is not None and is_array_of(matrix, *expected):
                    self._matrices[alias] = matrix
                else:
                    _, self._matrices = self._read_again()
            return self._matrices[alias]

    def _column_again(self, name: str) -> MetadataColumn:
        return self._read_again()[0].metadata[name]

    def _read_again(self) -> tuple[Rows, dict[str, Row]]:
        """Take everything from the file, for the cache is damaged."""
        with explained(self.path, "read the index"):
            rows, matrices = self._read_file()
            if not self._is_unchanged():
                raise BrokenIndexError(
                    f"{printable(self.path)}: its cache is damaged, and the index was changed since"
                    " it was opened; open it again"
                )
        return rows, matrices

    @property
    def damage(self) -> list[str]:
        return self._cache.damage

    def inspect(self) -> Findings:
        try:
            rows, matrices = self._read_rows()
        except BrokenIndexError as error:
            return Findings([], [error.message], [])
        self._cache.check()
        folder = self._layout.folder
        edited = np.flatnonzero(~self.generation.compare(folder, rows, matrices)[0])
        faults = [edited_rows(self.path, rows, edited)] if len(edited) else []
        if not faults and not self._is_same(rows, matrices):
            where = printable(str(folder / "cache"))
            faults.append(f"the cache differs from the {self._format.name}; remove {where}")
        what = counted(len(rows), "row")
        if self.generation.digests(folder) is None:
            warning = Message(
                f"{printable(self.path)}: there are no digests of its rows, by which numbers that"
                " were edited by hand are found: an older cbir wrote it, or their file is damaged;"
                " the next run of ",
                Call("index", dataset=self.root, index=self.path),
                " adds them",
            )
            return Findings([f"{what}, as far as a sample tells"], faults, [warning])
        return Findings([f"{what} with all numbers", "the cache"], faults, [])

    def _is_same(self, rows: Rows, matrices: Mapping[str, Row]) -> bool:
        """Say whether what the file says is what this snapshot does, from the cache."""
        return (
            rows.has_files_of(self.rows)
            and rows.metadata == self.rows.metadata
            and all(
                np.array_equal(matrix, self.matrix(alias)) for alias, matrix in matrices.items()
            )
        )

    @property
    def matrices(self) -> dict[str, Row]:
        """All matrices by alias."""
        return {entry.alias: self.matrix(entry.alias) for entry in self.manifest.entries}

    @property
    def written(self) -> WrittenFile | None:
        """What is known of the file since it was written, unless it was lost."""
        return self._cache.written(len(self.rows))

    def find_edited(self) -> int:
        """Compare all rows with what was committed; return how many are certainly of it."""
        sound, certain = self.generation.compare(self._layout.folder, self.rows, self.matrices)
        self.edited = np.flatnonzero(~sound)
        return certain

    def state(self, name: str) -> State:
        state = self._states[name]
        if isinstance(state, BrokenIndexError):
            raise state
        return state

    def features(self, extractor: LocalExtractor[Any]) -> FeatureStore:
        return self._layout.features(extractor)

    def all_features(self) -> dict[str, FeatureStore]:
        return self._layout.all_features()

    @property
    def inverted_folders(self) -> list[Path]:
        return self._layout.inverted()

    @property
    def structure_folder(self) -> Path:
        return self._layout.structures

    def derive(self, alias: str, name: str, derivation: Derivation) -> dict[str, NDArray[Any]]:
        return self._cache.derive(self.manifest.entry(alias).fingerprint, name, derivation)

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
