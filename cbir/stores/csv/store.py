"""An index in a CSV file, with a folder ``index.csv.cbir/`` beside it.

The CSV is the truth about rows and vectors. The folder holds what the CSV cannot: a metadata file
for each generation, the state (vocabularies), the journal of an unfinished run, and the cache.
A commit writes the CSV aside and the metadata of its generation, and renames the CSV into place;
that rename is the commit. A reader chooses the generation by the CSV's content, so it sees the
old index or the new one, and takes no lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.amounts import counted
from cbir.core.atomic_files import explained, save_arrays, sync_folder, written_aside
from cbir.core.errors import (
    BrokenIndexError,
    CbirError,
    MissingIndexError,
    printable,
    reason_of,
)
from cbir.core.messages import Call, Message, Parameter
from cbir.core.npz import load_arrays
from cbir.descriptors.base import Row, State, state_digest
from cbir.descriptors.local_features.base import LocalExtractor
from cbir.stores.csv.codec import read_csv, read_header, rebuilding, write_csv
from cbir.stores.csv.column_cache import Cache, cache_folders, clear_others
from cbir.stores.csv.generations import Generation, read_generations
from cbir.stores.csv.row_digests import row_digests, write_digests
from cbir.stores.csv.state_folder import check_state_folder
from cbir.stores.features.store import FeatureStore
from cbir.stores.file_stamps import Stamp, forget, recall, remember
from cbir.stores.journal import Journal
from cbir.stores.lock import writer_lock
from cbir.stores.model import (
    Derivation,
    DescriptorEntry,
    Findings,
    IndexStore,
    Metadata,
    Rows,
    Snapshot,
    Writer,
    edited_rows,
)

T = TypeVar("T")

_ATTEMPTS = 20
"""How often a reader starts again because a writer committed meanwhile."""


@dataclass(frozen=True)
class Layout:
    """Where the parts of an index lie."""

    csv: Path
    """The CSV file itself, symbolic links resolved."""

    @property
    def folder(self) -> Path:
        """Beside the CSV."""
        return self.csv.with_name(self.csv.name + ".cbir")

    @property
    def states(self) -> Path:
        """Vocabularies and the like."""
        return self.folder / "state"

    def features(self, extractor: LocalExtractor[Any]) -> FeatureStore:
        """Open the local features of an extractor."""
        return FeatureStore(str(self.folder / "features" / extractor.fingerprint), extractor.fields)

    @property
    def journal(self) -> Path:
        """Of an unfinished run."""
        return self.folder / "journal"

    def caches(self) -> list[Path]:
        """Where caches may lie."""
        return cache_folders(self.folder / "cache", str(self.csv))


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


class CsvStore(IndexStore):
    """An index in a CSV file.

    Parameters
    ----------
    path : str
        The CSV file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.layout = Layout(Path(os.path.realpath(path)))

    def exists(self) -> bool:
        with explained(self.path, "read the index"):  # the name may be too long
            return self.layout.csv.exists()

    def set_aside(self) -> str:
        csv = self.layout.csv
        if csv.is_dir():
            raise BrokenIndexError(f"{printable(self.path)}: this is a folder, not an index")
        if csv.stat().st_size and not self._was_index():
            read_header(str(csv))
        names = (csv.with_name(f"{csv.name}.old{number or ''}") for number in itertools.count())
        aside = next(name for name in names if not name.exists())
        with explained(self.path, "keep the old index"):
            shutil.copy2(csv, aside)
        return str(aside)

    def _was_index(self) -> bool:
        """Say whether the folder tells of an index here, whatever became of the CSV."""
        try:
            return bool(read_generations(self.layout.folder))
        except BrokenIndexError:
            return False

    def known_entries(self) -> tuple[DescriptorEntry, ...]:
        with contextlib.suppress(BrokenIndexError):
            for generation in read_generations(self.layout.folder):
                return generation.metadata.entries
        return ()

    def snapshot(self, accept_edited: bool = False) -> Snapshot:
        snapshot = self._snapshot()
        if len(snapshot.edited) and not accept_edited:
            raise BrokenIndexError(
                f"{snapshot.edited_message}; search it after describing their images again: ",
                Call("index", dataset=snapshot.root, index=self.path),
            )
        return snapshot

    def _snapshot(self) -> CsvSnapshot:
        if not self.exists():
            raise MissingIndexError(
                f"{printable(self.path)}: the index does not exist; make one with: ",
                Call("index", dataset=..., index=self.path),
            )
        if self.layout.csv.is_dir():
            raise self._is_folder()
        with explained(self.path, "read the index"):
            return self._until_steady(self._open)

    def inspect(self, snapshot: Snapshot) -> Findings:
        assert isinstance(snapshot, CsvSnapshot)
        try:
            rows, matrices = read_csv(str(self.layout.csv), snapshot.metadata.entries)
        except BrokenIndexError as error:
            return Findings([], [error.message], [])
        snapshot.check_cache()
        generation, folder = snapshot.generation, self.layout.folder
        edited = np.flatnonzero(~generation.compare(folder, rows, matrices)[0])
        faults = [edited_rows(self.path, rows, edited)] if len(edited) else []
        if not faults and not _same(rows, matrices, snapshot):
            where = printable(str(folder / "cache"))
            faults.append(f"the cache differs from the CSV; remove {where}")
        checked = [f"{counted(len(rows), 'row')} with all numbers", "the cache"]
        if generation.digests(folder) is None:
            warning = Message(
                f"{printable(self.path)}: there are no digests of its rows, by which numbers that"
                " were edited by hand are found: an older cbir wrote it, or their file is damaged;"
                " the next run of ",
                Call("index", dataset=snapshot.root, index=self.path),
                " adds them",
            )
            return Findings(
                [f"{counted(len(rows), 'row')}, as far as a sample tells"], faults, [warning]
            )
        return Findings(checked, faults, [])

    @contextlib.contextmanager
    def writer(self, wait: bool = False) -> Iterator[Writer]:
        with explained(self.path, "write the index"):
            check_state_folder(self.layout.folder)
            if not self.layout.folder.exists():
                self._check_is_mine()
            self.layout.folder.mkdir(exist_ok=True)
        with writer_lock(str(self.layout.folder), self.path, wait):
            yield CsvWriter(self)

    def _check_is_mine(self) -> None:
        """Refuse to make the folder of what is no index, but a file or a folder of the user's."""
        csv = self.layout.csv
        if csv.is_dir():
            raise self._is_folder()
        self._refuse_device()
        if csv.exists() and csv.stat().st_size:
            read_header(str(csv))

    def _is_folder(self) -> BrokenIndexError:
        return BrokenIndexError(
            f"{printable(self.path)}: this is a folder; name a file with ", Parameter("index", ...)
        )

    def _refuse_device(self) -> None:
        csv = self.layout.csv
        if csv.exists() and not (csv.is_file() or csv.is_dir()):
            # Not a broken index, which a rebuild would move aside: a pipe or a device.
            raise CbirError(f"{printable(self.path)}: not a regular file; name another index")

    def _open(self) -> CsvSnapshot:
        self._refuse_device()
        check_state_folder(self.layout.folder)
        generations = self._generations()
        stamp = Stamp.of(self.layout.csv)
        remembered = recall(self.layout.caches(), stamp)
        for generation in generations:
            if generation.stamp == stamp:
                return CsvSnapshot(self.path, self.layout, generation, generation.content)
            if remembered is not None and generation.name == remembered[1]:
                return CsvSnapshot(self.path, self.layout, generation, remembered[0])
        content = content_of(self.layout.csv)
        snapshot = self._open_content(generations, content)
        if not len(snapshot.edited) and Stamp.of(self.layout.csv) == stamp:
            remember(self.layout.caches(), stamp, content, snapshot.generation.name)
        return snapshot

    def _open_content(self, generations: list[Generation], content: str) -> CsvSnapshot:
        for generation in generations:
            if generation.content == content:
                return CsvSnapshot(self.path, self.layout, generation, content)
        return self._open_edited(generations, content)

    def _open_edited(self, generations: list[Generation], content: str) -> CsvSnapshot:
        """Open a CSV that was edited by hand: its columns and some of its rows tell whose it is.

        A killed run may have left a generation besides the committed one.
        """
        columns = set(read_header(str(self.layout.csv)))
        snapshots = [
            CsvSnapshot(self.path, self.layout, generation, content)
            for generation in generations
            if all(columns.issuperset(entry.columns) for entry in generation.metadata.entries)
        ]
        if not snapshots:
            read_csv(str(self.layout.csv), generations[-1].metadata.entries)
        certain = [snapshot.find_edited() for snapshot in snapshots]
        ranked = [
            ((count, len(snapshot.metadata.entries)), snapshot)
            for count, snapshot in zip(certain, snapshots, strict=True)
            if len(snapshot.edited) < max(1, len(snapshot.rows))
        ]
        if not ranked:
            raise BrokenIndexError(
                f"{printable(self.path)}: it was changed, and its numbers are not those of the"
                f" descriptors that {printable(str(self.layout.folder))} tells of: it may be from"
                " another time; put the right one back, or ",
                rebuilding(self.path),
            )
        highest = max(rank for rank, _ in ranked)
        best, *others = (snapshot for rank, snapshot in ranked if rank == highest)
        if any(other.metadata != best.metadata for other in others):
            raise BrokenIndexError(
                f"{printable(self.path)}: it was changed after a run was killed, and two states"
                " would fit it; ",
                rebuilding(self.path),
            )
        return best

    def _until_steady(self, read: Callable[[], T]) -> T:
        """Read again when a commit came between; a reader never sees parts of two."""
        for attempt in range(_ATTEMPTS):
            before = Stamp.of(self.layout.csv)
            try:
                result = read()
            except (BrokenIndexError, OSError):
                if Stamp.of(self.layout.csv) == before or attempt == _ATTEMPTS - 1:
                    raise
                continue
            if Stamp.of(self.layout.csv) == before:
                break
        return result

    def _generations(self) -> list[Generation]:
        generations = read_generations(self.layout.folder)
        if not generations:
            read_header(str(self.layout.csv))  # an empty file or another table says so first
            raise BrokenIndexError(
                f"{printable(str(self.layout.folder))}: the folder that belongs to"
                f" {printable(self.path)} is missing or empty; copy it along with the index, or"
                " ",
                rebuilding(self.path),
            )
        return generations


class CsvWriter(Writer):
    """Writes the index of a :class:`CsvStore` while it holds the lock."""

    def __init__(self, store: CsvStore) -> None:
        self._store = store
        self._layout = store.layout
        self._opened: Stamp | None = None

    def journal(self, root: str) -> Journal:
        return Journal(str(self._layout.journal), root)

    def previous(self) -> Snapshot | None:
        if not self._store.exists():
            return None
        self._opened = Stamp.of(self._layout.csv)
        return self._store.snapshot(accept_edited=True)

    def features(self, extractor: LocalExtractor[Any]) -> FeatureStore:
        return self._layout.features(extractor)

    def save_state(self, state: State, name: str) -> str:
        with explained(self._store.path, "write the index"):
            self._layout.states.mkdir(exist_ok=True)
            file_name = f"{name}-{state_digest(state)}.npz"
            if not (self._layout.states / file_name).exists():
                save_arrays(str(self._layout.states / file_name), state)
        return file_name

    def commit(self, metadata: Metadata, rows: Rows, matrices: Mapping[str, Row]) -> None:
        csv, folder = self._layout.csv, self._layout.folder
        with explained(self._store.path, "write the index"):
            aside = str(folder / "index.csv.new")
            with written_aside(aside, sync_name=False) as file:
                hashing = _Hashing(file)
                write_csv(hashing, rows, metadata.entries, matrices)
            content = hashing.sha256.hexdigest()[:16]
            generation = Generation.of(metadata, rows, matrices, Stamp.of(Path(aside)), content)
            write_digests(folder / generation.digests_name, row_digests(rows, matrices))
            generation.write(folder, csv.name)
            sync_folder(str(folder))
            Cache(self._layout.caches()[:1], content).fill(
                rows, {entry.fingerprint: matrices[entry.alias] for entry in metadata.entries}
            )
            if csv.exists():
                os.chmod(aside, csv.stat().st_mode)
            self._check_unchanged()
            os.replace(aside, csv)
            sync_folder(str(csv.parent))
        forget(self._layout.caches())
        self._clear(generation, generation.content)

    def _check_unchanged(self) -> None:
        """Never overwrite what somebody has written into the CSV since it was read."""
        if self._opened is not None and Stamp.of(self._layout.csv) != self._opened:
            raise CbirError(
                f"{printable(self._store.path)}: it was changed while this run was at work, and is"
                " left as it is; run the same command again, nothing is described twice"
            )

    def keep(self, previous: Snapshot) -> None:
        assert isinstance(previous, CsvSnapshot)
        generation, folder = previous.generation, self._layout.folder
        if generation.content == previous.content and generation.digests(folder) is None:
            with explained(self._store.path, "write the index"):
                digests = row_digests(previous.rows, previous.matrices)
                write_digests(folder / generation.digests_name, digests)
                sync_folder(str(folder))
        self._clear(generation, previous.content)

    def _clear(self, current: Generation, content: str) -> None:
        """Remove what belongs to no committed index; failing to is no harm."""
        Journal(str(self._layout.journal), current.metadata.root).discard()
        clear_others(self._layout.caches(), content)
        used = {current.name, current.digests_name}
        used |= {entry.state for entry in current.metadata.entries if entry.state}
        leftovers = ("generation-*.json", "generation-*.digests", "state/*.npz")
        for pattern in (*leftovers, "*.new", "state/*.new"):
            for path in self._layout.folder.glob(pattern):
                if path.name not in used:
                    with contextlib.suppress(OSError):
                        path.unlink()


def _same(rows: Rows, matrices: Mapping[str, Row], cached: CsvSnapshot) -> bool:
    return (
        list(rows.paths) == list(cached.rows.paths)
        and bool((rows.facts == cached.rows.facts).all())
        and rows.user_columns == cached.rows.user_columns
        and all(np.array_equal(matrix, cached.matrix(alias)) for alias, matrix in matrices.items())
    )


class _Hashing:
    """A sink that computes the content's SHA-256 on the way."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes, /) -> None:
        self.sha256.update(data)
        self._file.write(data)


def content_of(path: Path) -> str:
    """Identify the content of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
