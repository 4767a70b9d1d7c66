"""The rows of the new index, while they are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UnreadableImageError
from cbir.core.mapped_arrays import STEP, release
from cbir.core.packed_text import PackedText
from cbir.core.spliced_rows import Matrix, SplicedRows
from cbir.descriptors.registry import NamedDescriptor
from cbir.indexing.image_describer import DescribedImage
from cbir.indexing.reuse import ReuseLookup
from cbir.stores.model import FILE_DTYPE, Rows
from cbir.stores.paths import PathList

_SOME = 10_000
"""Paths that are packed at a time."""

Room = Callable[[tuple[int, ...], np.dtype[Any]], NDArray[Any]]


class Descriptions:
    """What is known of the images, in the order of their paths.

    Parameters
    ----------
    reused_rows : ndarray of int64, shape (images,)
        The row of the index so far that holds an image's whole description; -1: to be described.
    named : sequence of NamedDescriptor
    lookup : ReuseLookup
        Of the index so far.
    room : callable
        Makes an array of a shape and a type; in memory unless told otherwise.

    Attributes
    ----------
    unreadable : list of UnreadableImageError
        The files that could not be read.
    warned : list of str
        The images that were described although something is wrong with them.
    """

    def __init__(
        self,
        reused_rows: NDArray[np.int64],
        named: Sequence[NamedDescriptor],
        lookup: ReuseLookup,
        room: Room = np.zeros,
    ) -> None:
        self.unreadable: list[UnreadableImageError] = []
        self.warned: list[str] = []
        capacity, fresh = len(reused_rows), int((reused_rows < 0).sum())
        self._named = named
        self._lookup = lookup
        self._count = 0
        self._paths: list[PackedText] = []
        self._new_paths: list[str] = []
        self._facts = room((capacity,), FILE_DTYPE)
        self._origins = np.full(capacity, -1, np.int64)
        self._unchanged = np.full(capacity, -1, np.int64)
        self._described = np.zeros(capacity, bool)
        self._fresh = {
            one.alias: room((fresh, one.descriptor.width), one.descriptor.dtype) for one in named
        }
        self._added = 0
        self._width = sum(one.descriptor.width * one.descriptor.dtype.itemsize for one in named)
        self._used = 0

    def __len__(self) -> int:
        return self._count

    def add(self, one: DescribedImage) -> None:
        """Put an image in the next row."""
        row, file, known = len(self), one.file, one.known
        self._new_paths.append(file.path)
        self._facts[row] = (file.size, file.mtime, known.width, known.height, known.sha256)
        self._origins[row] = known.origin
        self._described[row] = one.is_new
        for named in self._named:
            self._fresh[named.alias][self._added] = known.rows[named.descriptor.fingerprint]
        self._added += 1
        self._count += 1
        if len(self._new_paths) == _SOME:
            self._pack_paths()
        self._release()

    def take_over(self, paths: PackedText, origins: NDArray[np.int64]) -> None:
        """Put images in the next rows that are as they were in the index so far.

        Parameters
        ----------
        paths : PackedText
        origins : ndarray of int64, shape (images,)
            Their rows in it.
        """
        rows = slice(len(self), len(self) + len(paths))
        self._pack_paths()
        self._paths.append(paths)
        self._count += len(paths)
        self._facts[rows] = self._lookup.facts(origins)
        release([self._facts])
        self._origins[rows] = origins
        self._unchanged[rows] = origins

    def _pack_paths(self) -> None:
        """Put the paths of new images behind the others."""
        self._paths.append(PackedText.of(self._new_paths))
        self._new_paths.clear()

    def _release(self) -> None:
        """Let the memory go of rows that are full."""
        self._used += self._width
        if self._used >= STEP:
            release([self._facts, *self._fresh.values()])
            self._used = 0

    @cached_property
    def rows(self) -> Rows:
        """The files, without columns of the user's, once all are there."""
        self._pack_paths()
        return Rows(PathList.joined(self._paths), self._facts[: len(self)])

    @property
    def unchanged(self) -> NDArray[np.int64]:
        """The row of the index so far that is the same in all but metadata; -1: there is none."""
        return self._unchanged[: len(self)]

    @property
    def matrices(self) -> dict[str, Matrix]:
        """The matrices by alias."""
        return {one.alias: self._matrix(one) for one in self._named}

    def _matrix(self, one: NamedDescriptor) -> Matrix:
        fresh, sources = self._fresh[one.alias][: self._added], self.unchanged
        if self._added == len(self):
            return fresh
        return SplicedRows(self._lookup.matrices[one.descriptor.fingerprint], fresh, sources)

    @property
    def described(self) -> NDArray[np.bool_]:
        """Whether this run described the image."""
        return self._described[: len(self)]

    def changes(self, before: PathList) -> dict[str, int]:
        """Count what became of the images, old and new.

        Parameters
        ----------
        before : PathList
            The paths of the previous index.
        """
        origins = self._origins[: len(self)]
        rows = before.rows_of(self.rows.paths)
        stayed, gone = rows >= 0, np.ones(len(before), bool)
        gone[rows[stayed]] = False
        # An image under a new path was renamed if its old path is gone, for one new path each.
        moved = np.zeros(len(self), bool)
        candidates = np.flatnonzero(~stayed & (origins >= 0))
        sources, first = np.unique(origins[candidates], return_index=True)
        moved[candidates[first[gone[sources]]]] = True
        known = stayed | moved
        return {
            "added": int((~known).sum()),
            "updated": int((known & self.described).sum()),
            "reused": int((known & ~self.described).sum()),
            "renamed": int(moved.sum()),
            "removed": int(gone.sum() - moved.sum()),
        }
