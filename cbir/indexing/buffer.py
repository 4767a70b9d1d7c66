"""The new index, while it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Row
from cbir.descriptors.local_features.sift import SiftFeatures
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.discovery import ImageFile
from cbir.indexing.reuse import Item
from cbir.stores.model import FILE_DTYPE, PathList, Rows, Snapshot


@dataclass(frozen=True, slots=True)
class Outcome:
    """An image that is described, by this run or before."""

    found: ImageFile
    item: Item
    described: bool
    suspect: bool = False
    """Something was printed while it was decoded, perhaps about another image."""
    features: SiftFeatures | None = None
    """Its local features, if they were wanted and not known."""


class Table:
    """The new index, filled image by image in the order of the paths."""

    def __init__(self, capacity: int, named: Sequence[NamedDescriptor]) -> None:
        self.named = named
        self.count = 0
        self._paths: list[str] = []
        self._facts = np.zeros(capacity, FILE_DTYPE)
        self._origins = np.full(capacity, -1, np.int64)
        self._described = np.zeros(capacity, bool)
        self._matrices = {
            one.alias: np.empty((capacity, one.descriptor.width), one.descriptor.dtype)
            for one in named
        }

    def add(self, outcome: Outcome) -> None:
        """Put an image in the next row."""
        found, item, row = outcome.found, outcome.item, self.count
        self._paths.append(found.path)
        self._facts[row] = (found.size, found.mtime, item.width, item.height, item.sha256)
        self._origins[row] = item.origin
        self._described[row] = outcome.described
        for one in self.named:
            self._matrices[one.alias][row] = item.rows[one.descriptor.fingerprint]
        self.count += 1

    @property
    def matrices(self) -> dict[str, Row]:
        """The matrices by alias."""
        return {alias: matrix[: self.count] for alias, matrix in self._matrices.items()}

    @property
    def origins(self) -> NDArray[np.int64]:
        """For each image the row of the previous index with this content, or -1."""
        return self._origins[: self.count]

    @property
    def described(self) -> NDArray[np.bool_]:
        """Whether this run described the image."""
        return self._described[: self.count]

    def sources(self, previous: Snapshot | None, same_root: bool) -> list[int | None]:
        """Return for each image the row of the previous index whose own columns it gets.

        Parameters
        ----------
        previous : Snapshot or None
            The index so far.
        same_root : bool
            It is about the same dataset, so that equal paths mean equal images.
        """
        if previous is None or not previous.rows.user_columns:
            return [None] * self.count
        contents = enumerate(previous.rows.facts["sha256"])
        by_content = {content.tobytes(): row for row, content in contents}
        return [
            _source(path, content.tobytes(), previous.rows, by_content, same_root)
            for path, content in zip(self._paths, self._facts[: self.count]["sha256"], strict=True)
        ]

    def rows(self, previous: Snapshot | None, sources: Sequence[int | None]) -> Rows:
        """Return the rows, with the user's own columns from those of the previous index."""
        columns = previous.rows.user_columns.items() if previous is not None else ()
        own = {
            name: ["" if row is None else column[row] for row in sources]
            for name, column in columns
        }
        return Rows(PathList.of(self._paths), self._facts[: self.count], own)


def left_behind(previous: Snapshot | None, sources: Sequence[int | None]) -> list[str]:
    """Return the paths of rows in whose own columns there is something, and that nothing gets."""
    if previous is None:
        return []
    filled = {
        row
        for column in previous.rows.user_columns.values()
        for row, cell in enumerate(column)
        if cell
    }
    return [previous.rows.paths[row] for row in sorted(filled.difference(sources))]


def _source(
    path: str, content: bytes, before: Rows, by_content: dict[bytes, int], same_root: bool
) -> int | None:
    """Return the row that this image had before: by both, by content, or by path alone."""
    there = before.paths.find(path) if same_root else None
    if there is not None and before.facts["sha256"][there].tobytes() == content:
        return there
    return by_content.get(content, there)


def counts(paths: PathList, table: Table, before: PathList) -> dict[str, int]:
    """Count what became of the images, old and new."""
    stayed = np.array([before.find(path) is not None for path in paths], bool)
    gone = np.array([paths.find(path) is None for path in before], bool)
    # An image under a new path was renamed if its old path is gone, for one new path each.
    moved = np.zeros(len(paths), bool)
    candidates = np.flatnonzero(~stayed & (table.origins >= 0))
    origins, first = np.unique(table.origins[candidates], return_index=True)
    moved[candidates[first[gone[origins]]]] = True
    known = stayed | moved
    return {
        "added": int((~known).sum()),
        "updated": int((known & table.described).sum()),
        "reused": int((known & ~table.described).sum()),
        "renamed": int(moved.sum()),
        "removed": int(gone.sum() - moved.sum()),
    }
