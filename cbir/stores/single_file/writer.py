"""What changes an index in a file."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.atomic_files import explained, save_arrays, sync_folder, written_aside
from cbir.core.errors import CbirError, printable
from cbir.core.mapped_arrays import scratch_array
from cbir.core.renaming import rename_new
from cbir.core.spliced_rows import Matrix, Sources
from cbir.descriptors.local_features.base import LocalExtractor
from cbir.descriptors.state import State, state_digest
from cbir.stores.features.store import FeatureStore
from cbir.stores.file_stamps import Stamp, drop_content
from cbir.stores.journal import Journal
from cbir.stores.model import IndexStore, Manifest, Rows, Snapshot, Writer
from cbir.stores.single_file.array_files import file_checksum
from cbir.stores.single_file.column_cache import Cache, clear_others
from cbir.stores.single_file.file_format import FileFormat, check_names
from cbir.stores.single_file.generations import Generation
from cbir.stores.single_file.hashed_file import HashedFile
from cbir.stores.single_file.kept_rows import KeptRows, WrittenFile, same_texts
from cbir.stores.single_file.layout import Layout
from cbir.stores.single_file.row_digests import row_digests, write_digests
from cbir.stores.single_file.snapshot import FileSnapshot


class FileWriter(Writer):
    """Writes the index of a store while it holds the lock."""

    def __init__(self, store: IndexStore, layout: Layout, file_format: FileFormat) -> None:
        self._store = store
        self._layout = layout
        self._format = file_format
        self._opened = self._stamp()
        self._previous: FileSnapshot | None = None

    def journal(self, root: str) -> Journal:
        return Journal(str(self._layout.journal), root)

    def room(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        with explained(self._store.path, "write the index"):
            return scratch_array(shape, dtype, str(self._layout.folder))

    def previous(self) -> Snapshot | None:
        if not self._store.exists():
            return None
        self._opened = self._stamp()
        snapshot = self._store.snapshot(accept_edited=True)
        assert isinstance(snapshot, FileSnapshot)
        self._previous = snapshot
        return snapshot

    def _stamp(self) -> Stamp | None:
        with contextlib.suppress(OSError):
            return Stamp.of(self._layout.file)
        return None

    def features(self, extractor: LocalExtractor[Any]) -> FeatureStore:
        return self._layout.features(extractor)

    def take_features(self, source: Snapshot) -> list[str]:
        damage: list[str] = []
        keys = [content.tobytes() for content in source.rows.facts["sha256"]]
        for name, features in source.all_features().items():
            folder = self._layout.folder / "features" / name
            with FeatureStore(str(folder), features.fields) as store:
                for key in dict.fromkeys(keys):
                    store.take(key, features)
            damage += features.damage
        return damage

    def remove_features(self, extractor: LocalExtractor[Any]) -> None:
        folder = self._layout.features_folder(extractor)
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # others are there
            folder.parent.rmdir()

    def save_state(self, state: State, name: str) -> str:
        with explained(self._store.path, "write the index"):
            self._layout.states.mkdir(exist_ok=True)
            file_name = f"{name}-{state_digest(state)}.npz"
            if not (self._layout.states / file_name).exists():
                save_arrays(str(self._layout.states / file_name), state)
        return file_name

    def commit(
        self,
        manifest: Manifest,
        rows: Rows,
        matrices: Mapping[str, Matrix],
        unchanged: Sources | None = None,
    ) -> None:
        target, folder = self._layout.file, self._layout.folder
        check_names(self._store.path, self._format, manifest.entries, rows.metadata)
        with explained(self._store.path, "write the index"):
            kept = None if unchanged is None else self._kept(manifest, rows, unchanged)
            aside = str(folder / "index.new")
            with written_aside(aside, sync_name=False) as file:
                hashed = HashedFile(file)
                places = self._format.write(hashed, rows, manifest.entries, matrices, kept)
            content = hashed.content
            generation = Generation.of(manifest, rows, matrices, Stamp.of(Path(aside)), content)
            known = (kept.sources, kept.written.digests) if kept else ()
            digests = row_digests(rows, matrices, *known)
            write_digests(folder / generation.digests_name, digests)
            generation.write(folder, target.name, self._format)
            sync_folder(str(folder))
            cache = Cache(self._layout.caches()[:1], content)
            cache.fill(rows, manifest.entries, matrices)
            cache.keep_written(WrittenFile(places, digests, file_checksum(Path(aside))))
            # The same content may have been committed before, with what nobody wants any more.
            cache.remove_derived(manifest.entries)
            if target.exists():
                os.chmod(aside, target.stat().st_mode)
            self._put_in_place(aside)
            sync_folder(str(target.parent))
        drop_content(self._layout.caches())
        self._clear(generation, generation.content)

    def _kept(self, manifest: Manifest, rows: Rows, unchanged: Sources) -> KeptRows | None:
        """Say which rows stand in the file so far as this program would write them now.

        The file has to be as it was committed, by this version and with the same columns.
        """
        before, file = self._previous, self._layout.file
        if before is None or not (unchanged >= 0).any():
            return None
        same = (
            before.manifest.program == manifest.program
            and before.manifest.entries == manifest.entries
            and before.content == before.generation.content
            and list(before.rows.metadata) == list(rows.metadata)
        )
        written = before.written if same else None
        if written is None or written.checksum != file_checksum(file):
            return None
        sources = same_texts(unchanged, before.rows.metadata, rows.metadata)
        return KeptRows(file, written, sources)

    def _put_in_place(self, aside: str) -> None:
        """Commit; never overwrite what somebody has written into the file since it was read."""
        target = self._layout.file
        if self._opened is None:
            with contextlib.suppress(FileExistsError):
                rename_new(aside, str(target))
                return
        elif self._stamp() == self._opened:
            os.replace(aside, target)
            return
        raise CbirError(
            f"{printable(self._store.path)}: it was changed while this run was at work, and is"
            " left as it is; run the same command again, nothing is described twice"
        )

    def keep(self, previous: Snapshot) -> None:
        assert isinstance(previous, FileSnapshot)
        generation, folder = previous.generation, self._layout.folder
        if generation.content == previous.content and generation.digests(folder) is None:
            with explained(self._store.path, "write the index"):
                digests = row_digests(previous.rows, previous.matrices)
                write_digests(folder / generation.digests_name, digests)
                sync_folder(str(folder))
        self._clear(generation, previous.content)

    def _clear(self, current: Generation, content: str) -> None:
        """Remove what belongs to no committed index; failing to is no harm."""
        Journal(str(self._layout.journal), current.manifest.root).discard()
        clear_others(self._layout.caches(), content)
        used = {current.name, current.digests_name}
        used |= {entry.state for entry in current.manifest.entries if entry.state}
        leftovers = ("generation-*.json", "generation-*.digests", "state/*.npz")
        for pattern in (*leftovers, "*.new", "state/*.new"):
            for path in self._layout.folder.glob(pattern):
                if path.name not in used:
                    with contextlib.suppress(OSError):
                        path.unlink()
