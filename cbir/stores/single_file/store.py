"""An index in one file, with a folder beside it, as ``index.csv.cbir/``.

The file is the truth about rows and vectors. The folder holds what it cannot: a manifest file
for each generation, the state (vocabularies), the journal of an unfinished run, and the cache.
A commit writes the file aside and the manifest of its generation, and renames the file into place;
that rename is the commit. A reader chooses the generation by the file's content, so it sees the
old index or the new one, and takes no lock.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cbir.core.atomic_files import explained
from cbir.core.errors import BrokenIndexError, CbirError, MissingIndexError, printable
from cbir.core.messages import Call, Parameter
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.file_stamps import Stamp, load_content, save_content
from cbir.stores.model import IndexStore, Snapshot, Writer
from cbir.stores.single_file.file_format import FileFormat, rebuilding
from cbir.stores.single_file.generations import Generation, read_generations
from cbir.stores.single_file.hashed_file import content_of
from cbir.stores.single_file.layout import Layout
from cbir.stores.single_file.snapshot import FileSnapshot
from cbir.stores.single_file.state_folder import check_state_folder

_ATTEMPTS = 20
"""How often a reader starts again because a writer committed meanwhile."""


class FileStore(IndexStore):
    """An index in a file.

    Parameters
    ----------
    path : str
        The file.
    file_format : FileFormat
        What is in it.
    """

    def __init__(self, path: str, file_format: FileFormat) -> None:
        self.path = path
        self.format = file_format
        self.layout = Layout(Path(os.path.realpath(path)))

    def exists(self) -> bool:
        with explained(self.path, "read the index"):  # the name may be too long
            return self.layout.file.exists()

    def set_aside(self) -> str:
        file = self.layout.file
        if file.is_dir():
            raise BrokenIndexError(f"{printable(self.path)}: this is a folder, not an index")
        if file.stat().st_size and not self._sound_generations():
            self.format.check_header(str(file))
        names = (file.with_name(f"{file.name}.old{number or ''}") for number in itertools.count())
        aside = next(name for name in names if not name.exists())
        with explained(self.path, "keep the old index"):
            shutil.copy2(file, aside)
        return str(aside)

    def known_entries(self) -> tuple[DescriptorEntry, ...]:
        for generation in self._sound_generations():
            return generation.manifest.entries
        return ()

    def _sound_generations(self) -> list[Generation]:
        """Return what the folder tells of an index here, whatever became of the file."""
        try:
            return read_generations(self.layout.folder)
        except BrokenIndexError:
            return []

    def snapshot(self, accept_edited: bool = False) -> Snapshot:
        if not self.exists():
            raise MissingIndexError(
                f"{printable(self.path)}: the index does not exist; make one with: ",
                Call("index", dataset=..., index=self.path),
            )
        with explained(self.path, "read the index"):
            self._check_kind()
            snapshot = self._open_steady()
        if len(snapshot.edited) and not accept_edited:
            raise BrokenIndexError(
                f"{snapshot.edited_message}; search it after describing their images again: ",
                Call("index", dataset=snapshot.root, index=self.path),
            )
        return snapshot

    def version(self) -> Stamp | None:
        try:
            return Stamp.of(self.layout.file)
        except OSError:
            return None

    @property
    def unfinished(self) -> bool:
        return self.layout.journal.exists()

    @property
    def cache_folders(self) -> list[Path]:
        return self.layout.caches()

    @property
    def change_folder(self) -> Path:
        return self.layout.changes

    @contextlib.contextmanager
    def writer(self, wait: bool = False) -> Iterator[Writer]:
        self.format.check_available(self.path)
        with explained(self.path, "write the index"):
            check_state_folder(self.layout.folder)
            if not self.layout.folder.exists():
                self._check_is_mine()
            self.layout.folder.mkdir(exist_ok=True)
        from cbir.stores.lock import writer_lock
        from cbir.stores.single_file.writer import FileWriter

        with writer_lock(str(self.layout.folder), self.path, wait):
            yield FileWriter(self, self.layout, self.format)

    def _check_is_mine(self) -> None:
        """Refuse to make the folder of what is no index, but a file or a folder of the user's."""
        self._check_kind()
        file = self.layout.file
        if file.exists() and file.stat().st_size:
            self.format.check_header(str(file))

    def _check_kind(self) -> None:
        """Refuse what is there if it is no file."""
        file = self.layout.file
        if file.is_dir():
            raise BrokenIndexError(
                f"{printable(self.path)}: this is a folder; name a file with ",
                Parameter("index", ...),
            )
        if file.exists() and not file.is_file():
            # Not a broken index, which a rebuild would move aside: a pipe or a device.
            raise CbirError(f"{printable(self.path)}: not a regular file; name another index")

    def _open_steady(self) -> FileSnapshot:
        """Read again when a commit came between; a reader never sees parts of two."""
        for attempt in range(_ATTEMPTS):
            before = Stamp.of(self.layout.file)
            try:
                snapshot = self._open()
            except (BrokenIndexError, OSError):
                if Stamp.of(self.layout.file) == before or attempt == _ATTEMPTS - 1:
                    raise
                continue
            if Stamp.of(self.layout.file) == before:
                break
        return snapshot

    def _open(self) -> FileSnapshot:
        check_state_folder(self.layout.folder)
        generations = self._generations()
        stamp = Stamp.of(self.layout.file)
        remembered = load_content(self.layout.caches(), stamp)
        for generation in generations:
            if generation.stamp == stamp:
                return self._snapshot(generation, generation.content)
            if remembered is not None and generation.name == remembered[1]:
                return self._snapshot(generation, remembered[0])
        content = content_of(self.layout.file)
        exact = [one for one in generations if one.content == content]
        if exact:
            snapshot = self._snapshot(exact[0], content)
        else:
            snapshot = self._open_edited(generations, content)
        if not len(snapshot.edited) and Stamp.of(self.layout.file) == stamp:
            save_content(self.layout.caches(), stamp, content, snapshot.generation.name)
        return snapshot

    def _open_edited(self, generations: list[Generation], content: str) -> FileSnapshot:
        """Open a file that was edited by hand: its columns and some of its rows tell whose it is.

        A killed run may have left a generation besides the committed one.
        """
        columns = set(self.format.check_header(str(self.layout.file)))
        snapshots = [
            self._snapshot(generation, content)
            for generation in generations
            if all(
                columns.issuperset(self.format.datatypes(entry))
                for entry in generation.manifest.entries
            )
        ]
        if not snapshots:
            self.format.read(str(self.layout.file), generations[-1].manifest.entries)
        certain = [snapshot.find_edited() for snapshot in snapshots]
        ranked = [
            ((count, len(snapshot.manifest.entries)), snapshot)
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
        if any(other.manifest != best.manifest for other in others):
            raise BrokenIndexError(
                f"{printable(self.path)}: it was changed after a run was killed, and two states"
                " would fit it; ",
                rebuilding(self.path),
            )
        return best

    def _snapshot(self, generation: Generation, content: str) -> FileSnapshot:
        return FileSnapshot(self.path, self.layout, self.format, generation, content)

    def _generations(self) -> list[Generation]:
        generations = read_generations(self.layout.folder)
        if not generations:
            self.format.check_header(
                str(self.layout.file)
            )  # an empty file or another table says so first
            raise BrokenIndexError(
                f"{printable(str(self.layout.folder))}: the folder that belongs to"
                f" {printable(self.path)} is missing or empty; copy it along with the index, or"
                " ",
                rebuilding(self.path),
            )
        return generations
