"""Where the images of an index are."""

from __future__ import annotations

import hashlib
import os

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import path_of, text_of
from cbir.core.digests import sha256_if_readable
from cbir.core.errors import UsageError, printable
from cbir.core.folders import below, current_folder, shortest
from cbir.images.encoded_image import EncodedImage
from cbir.search.candidates import RowNumbers
from cbir.search.request import IndexedImage, QuerySource
from cbir.stores.paths import PathList


class ImageLocations:
    """Where the images of an index are, and which of them a query is.

    Parameters
    ----------
    paths : PathList
        Relative to the dataset.
    facts : ndarray of FILE_DTYPE, shape (n,)
        What is known of each file.
    root : str
        The folder of the dataset, absolute and without links.
    named_root : str
        The same folder as the user named it.

    Attributes
    ----------
    absolute_root : str
        The same folder, absolute; links in it are left as they are.
    """

    def __init__(
        self, paths: PathList, facts: NDArray[np.void], root: str, named_root: str
    ) -> None:
        self.paths = paths
        self.digests = facts["sha256"]
        self._facts = facts
        self.root = root
        self.named_root = named_root
        self.absolute_root = os.path.abspath(named_root)
        self._opened_in = current_folder()

    def shown_root(self) -> str:
        """Return the folder of the dataset as results show it: from the current folder."""
        if current_folder() == self._opened_in:
            return self.named_root
        return shortest(self.absolute_root)

    def within_dataset(self, path: str) -> str:
        """Return the path of an image in the index by its absolute one, as :meth:`path` has it."""
        return path[len(os.path.join(self.absolute_root, "")) :]

    def path(self, row: int) -> str:
        """Return an image's absolute path."""
        return os.path.join(self.absolute_root, self.paths[row])

    def size(self, row: int) -> tuple[int, int]:
        """Return the width and height of an image, upright."""
        return int(self._facts["width"][row]), int(self._facts["height"][row])

    def indexed_row(self, path: str) -> int:
        """Return the row of an image by its path in the index.

        Raises
        ------
        UsageError
            When there is none.
        """
        row = self.paths.find(text_of(path, "a path"))
        if row is None:
            raise UsageError(f"{printable(path)}: the index has no such image")
        return row

    def indexed_rows(self, path: str) -> tuple[int, RowNumbers]:
        """Return the row of an image of the index, and those of all with its very bytes."""
        row = self.indexed_row(path)
        return row, np.flatnonzero(self.digests == self.digests[row])

    def rows_with_bytes_of(self, query: str) -> RowNumbers:
        """Return the rows of the images whose bytes are those of a file, wherever they lie."""
        digest = sha256_if_readable(query)
        if digest is None:  # it was there when it was described, or is an array
            return np.empty(0, np.intp)
        return self.rows_with_digest(digest)

    def rows_with_digest(self, digest: bytes) -> RowNumbers:
        """Return the rows of the images whose files have a SHA-256."""
        return np.flatnonzero(self.digests == np.void(digest))

    def row_of(self, query: str) -> int | None:
        """Return the query's own row, by its path, whichever links lead to it."""
        folder, name = os.path.split(os.path.abspath(query))
        root = os.path.realpath(self.root)
        for path, base in (
            (os.path.join(folder, name), self.absolute_root),
            (os.path.join(os.path.realpath(folder), name), root),
            (os.path.realpath(query), root),
        ):
            row = self.paths.find(os.path.relpath(path, base).replace(os.sep, "/"))
            if row is not None:
                return row
        return None

    def name_of(self, query: QuerySource) -> str:
        """Return what results call a query."""
        if isinstance(query, IndexedImage):
            return below(self.shown_root(), query.path)
        if isinstance(query, EncodedImage):
            return query.path
        return path_of(query, "a query") if isinstance(query, str | os.PathLike) else "<array>"

    def own_rows(self, query: QuerySource) -> tuple[list[int], list[int]]:
        """Return the query's own row, if it is in the index, and those with its very bytes."""
        if isinstance(query, IndexedImage):
            row, identical = self.indexed_rows(query.path)
            return [row], identical.tolist()
        if isinstance(query, EncodedImage):
            return [], self.rows_with_digest(hashlib.sha256(query.data).digest()).tolist()
        name = self.name_of(query)
        found = self.row_of(name)
        return [] if found is None else [found], self.rows_with_bytes_of(name).tolist()
