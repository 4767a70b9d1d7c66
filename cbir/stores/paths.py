"""The paths of an index: which ones there may be, and how they are found."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from cbir.core.packed_text import PackedText


def check_path(path: str) -> None:
    """Check that a path leads to a file below the dataset's root, and can be one.

    Raises
    ------
    ValueError
        When it is empty, absolute, has a NUL, or a part that is empty, ``.`` or ``..``.

    Examples
    --------
    >>> check_path("cats/cat-1.jpg")
    >>> check_path("../../etc/passwd")
    Traceback (most recent call last):
    ValueError: it leads out of the dataset
    """
    parts = path.replace(os.sep, "/").split("/")
    if not path:
        raise ValueError("it is empty")
    if "\0" in path:
        raise ValueError("it has a NUL character")
    if os.path.isabs(path) or os.path.splitdrive(path)[0]:
        raise ValueError("it is not relative to the dataset")
    if ".." in parts:
        raise ValueError("it leads out of the dataset")
    if "" in parts or "." in parts:
        raise ValueError("it has an empty part")


class PathList(PackedText):
    """Paths, sorted by their bytes, so that they can be found.

    Examples
    --------
    >>> paths = PathList.of(["a.jpg", "b.jpg"])
    >>> paths[1], paths.find("b.jpg"), paths.find("c.jpg")
    ('b.jpg', 1, None)
    >>> paths.rows_of(["a.jpg", "c.jpg"])
    array([ 0, -1])
    """

    def find(self, path: str) -> int | None:
        """Return the row of `path`, or None."""
        wanted = os.fsencode(path)
        row = bisect_left(range(len(self)), wanted, key=self._bytes)
        return row if row < len(self) and self._bytes(row) == wanted else None

    def rows_of(self, paths: Iterable[str]) -> NDArray[np.int64]:
        """Return the row of each of some paths, which are sorted as well, or -1."""

        def found() -> Iterator[int]:
            known = enumerate(self.encoded())
            row, here = next(known, (-1, None))
            for path in map(os.fsencode, paths):
                while here is not None and here < path:
                    row, here = next(known, (-1, None))
                yield row if here == path else -1

        return np.fromiter(found(), np.int64)
