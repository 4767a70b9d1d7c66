"""The model of an index, and the interface that every store implements.

An index is rows (what is known of each image file) and one matrix a descriptor, with a manifest
that says what the matrices are. Rows are sorted by the bytes of their paths.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, first_few, printable
from cbir.core.mapped_arrays import release
from cbir.core.messages import Call
from cbir.core.spliced_rows import Matrix, Sources
from cbir.core.suggestions import did_you_mean
from cbir.descriptors import registry
from cbir.descriptors.base import Row
from cbir.descriptors.local_features.base import LocalExtractor
from cbir.descriptors.registry import NamedDescriptor
from cbir.descriptors.state import State
from cbir.stores.derivation import Derivation
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.kept_descriptors import descriptor_of
from cbir.stores.locations import found_location
from cbir.stores.metadata import MetadataColumn
from cbir.stores.paths import PathList

if TYPE_CHECKING:  # a search needs neither
    from cbir.stores.features.store import FeatureStore
    from cbir.stores.journal import Journal

FORMAT = 1
"""Version of the index format; raised when an older program could not read it."""

MOST_AVERAGED = 100
"""Neighbors, at most, that a row is averaged with."""

FILE_DTYPE = np.dtype(
    [("bytes", "<i8"), ("mtime", "<i8"), ("width", "<i4"), ("height", "<i4"), ("sha256", "V32")]
)
"""What is known of an image file besides its path: mtime in ms, sizes in pixels, upright."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known of the image files.

    Attributes
    ----------
    paths : PathList
        Relative to the dataset's root, with ``/``; sorted by their bytes.
    facts : ndarray of FILE_DTYPE, shape (n,)
    metadata : mapping of str to MetadataColumn
        What is known about the images: columns that users add or join, by name.
    """

    paths: PathList
    facts: NDArray[Any]
    metadata: Mapping[str, MetadataColumn] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.paths)

    def has_files_of(self, other: Rows) -> bool:
        """Say whether both are of the same files, and know the same of them."""
        is_same = self.paths == other.paths and np.array_equal(self.facts, other.facts)
        self.release()
        return is_same

    def release(self) -> None:
        """Let the memory go of what is mapped."""
        release([self.facts, self.paths.blob, self.paths.ends])


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index is about."""

    root: str
    """The dataset, relative to the index's folder."""
    entries: tuple[DescriptorEntry, ...]
    program: str
    """The version of cbir that wrote it."""
    format: int = FORMAT
    dba: int = 0
    """With how many neighbors searches average each row, unless told otherwise; 0: with none."""

    def entry(self, alias: str) -> DescriptorEntry:
        """Return the entry of `alias`.

        Raises
        ------
        CbirError
            When the index does not hold it; the message says what it holds.
        """
        for entry in self.entries:
            if entry.alias == alias:
                return entry
        there, known = [entry.alias for entry in self.entries], registry.names()
        question = "" if alias in known else did_you_mean(alias, [*there, *known])
        raise CbirError(
            f"the index has no descriptor {alias!r}; name one of its own: {', '.join(there)};"
            " or add another with: ",
            Call("index", dataset=..., index=..., descriptors=...),
            question,
        )


@dataclass(frozen=True, slots=True)
class Findings:
    """What came out when a whole index was read."""

    checked: list[str]
    """What was checked, in words."""
    faults: list[str]
    """What is wrong with it; empty when it is sound."""
    warnings: list[str]
    """What is odd around it."""


class Snapshot(ABC):
    """An index as it was committed once; it stays readable while another is written.

    Attributes
    ----------
    path : str
    content : str
        Identifies what is committed: of another commit it is another one.
    manifest : Manifest
    rows : Rows
    edited : ndarray of intp
        Which rows are not as they were committed, but edited by hand. Only those who ask for it
        get a snapshot that has any.
    """

    path: str
    content: str
    manifest: Manifest
    rows: Rows
    edited: NDArray[np.intp]

    @abstractmethod
    def matrix(self, alias: str) -> Row:
        """Return the matrix of a descriptor, shape (n, width); not to be written to."""

    @abstractmethod
    def state(self, name: str) -> State:
        """Load a state file.

        Raises
        ------
        BrokenIndexError
            When it is missing or damaged.
        """

    @abstractmethod
    def features(self, extractor: LocalExtractor[Any]) -> FeatureStore:
        """Open the local features that `extractor` gave, for reading."""

    @abstractmethod
    def all_features(self) -> dict[str, FeatureStore]:
        """Open all local features that are kept, by the fingerprint of what extracted them."""

    @property
    @abstractmethod
    def inverted_folders(self) -> list[Path]:
        """Where inverted files may lie, the preferred folder first.

        They are caches that are keyed by the contents of images, and stay from commit to commit.
        """

    @property
    @abstractmethod
    def structure_folder(self) -> Path:
        """Where structures for approximate search lie: nobody but the user may write there."""

    @abstractmethod
    def derive(self, alias: str, name: str, derivation: Derivation) -> dict[str, NDArray[Any]]:
        """Return arrays computed from a matrix, from the cache if what is there fits."""

    @property
    @abstractmethod
    def damage(self) -> list[str]:
        """Messages about what was damaged, and is made again by itself."""

    @abstractmethod
    def inspect(self) -> Findings:
        """Read everything that is kept and cached, and compare it; `damage` tells of it, too."""

    @property
    def edited_message(self) -> str:
        """Say which rows were edited by hand."""
        return edited_rows(self.path, self.rows, self.edited)

    @property
    def root(self) -> str:
        """The dataset's absolute path."""
        return found_location(self.manifest.root, self.path)

    def descriptor(self, alias: str) -> NamedDescriptor:
        """Make the descriptor that wrote the matrix of `alias`, with its state.

        Raises
        ------
        BrokenIndexError
            When this program's descriptor is not the one that wrote it.
        """
        return descriptor_of(self.manifest.entry(alias), self.path, self.root, self.state)


def edited_rows(index: str, rows: Rows, edited: NDArray[np.intp]) -> str:
    """Say which rows of an index were edited by hand."""
    what = "a row was" if len(edited) == 1 else f"{len(edited):,} rows were"
    paths = first_few([rows.paths[int(row)] for row in edited])
    return f"{printable(index)}: {what} edited by hand: {paths}"


class Writer(ABC):
    """The one that may change an index, while it holds the lock."""

    @abstractmethod
    def journal(self, root: str) -> Journal:
        """Return the journal of descriptions of the dataset `root`."""

    def room(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return an array for what is to be committed; a store may keep it outside of memory.

        Raises
        ------
        CbirError
            When there is not enough room.
        """
        return np.zeros(shape, dtype)

    @abstractmethod
    def previous(self) -> Snapshot | None:
        """Return what is committed, or None when there is nothing yet."""

    @abstractmethod
    def features(self, extractor: LocalExtractor[Any]) -> FeatureStore:
        """Open the local features that `extractor` gives, for reading and adding."""

    @abstractmethod
    def take_features(self, source: Snapshot) -> list[str]:
        """Keep the local features that another index keeps of its images, too.

        Returns
        -------
        list of str
            A message for each record that is damaged there, and is left out.
        """

    @abstractmethod
    def remove_features(self, extractor: LocalExtractor[Any]) -> None:
        """Free the space of the local features that `extractor` gave; failing to is no harm."""

    @abstractmethod
    def save_state(self, state: State, name: str) -> str:
        """Keep `state` durably under a name made from `name`; return that name."""

    @abstractmethod
    def commit(
        self,
        manifest: Manifest,
        rows: Rows,
        matrices: Mapping[str, Matrix],
        unchanged: Sources | None = None,
    ) -> None:
        """Replace the index, at once and durably; then clear what is no longer needed.

        Parameters
        ----------
        manifest : Manifest
        rows : Rows
        matrices : mapping of str to ndarray or SplicedRows
            By alias.
        unchanged : ndarray of int64, shape (n,), optional
            For each row the one of :meth:`previous` with the same path, facts and numbers, or -1:
            a store need not write such a row again.
        """

    @abstractmethod
    def keep(self, previous: Snapshot) -> None:
        """Leave the index as it is, and clear what is no longer needed."""


class IndexStore(ABC):
    """A kind of storage for one index."""

    path: str

    @abstractmethod
    def exists(self) -> bool:
        """Say whether there is an index."""

    @abstractmethod
    def set_aside(self) -> str:
        """Keep a copy of an index that cannot be read, before it is replaced; return its path.

        Raises
        ------
        BrokenIndexError
            When what is there is no index, but a file or a folder of the user's.
        """

    @abstractmethod
    def known_entries(self) -> tuple[DescriptorEntry, ...]:
        """Return what the manifest of a broken index still says of its descriptors."""

    @abstractmethod
    def snapshot(self, accept_edited: bool = False) -> Snapshot:
        """Open what is committed.

        Parameters
        ----------
        accept_edited : bool
            Also with rows that were edited by hand: `edited` tells which.

        Raises
        ------
        BrokenIndexError
            When there is none, or it cannot be read, or rows were edited.
        """

    @abstractmethod
    def version(self) -> Hashable:
        """Return what differs after a commit, or None if there is no index; quick to find out."""

    @property
    @abstractmethod
    def unfinished(self) -> bool:
        """Whether a run that was writing left something that the next one goes on with."""

    @property
    @abstractmethod
    def cache_folders(self) -> list[Path]:
        """Where caches of the index may lie, the preferred folder first."""

    @property
    @abstractmethod
    def change_folder(self) -> Path:
        """Where logs lie of what was done to the dataset by way of the index; it may be missing."""

    @abstractmethod
    def writer(self, wait: bool = False) -> AbstractContextManager[Writer]:
        """Lock the index for writing.

        Raises
        ------
        CbirError
            When another process writes and `wait` is false, or the folder cannot be written.
        """
