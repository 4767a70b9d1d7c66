"""The paths of an index: which ones there may be, and how they are found."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cbir.core.packed_text import PackedText

_BLOCK = 64
"""Paths that are compared one by one where two lists differ."""


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

    def rows_of(self, paths: Iterable[str] | PackedText) -> NDArray[np.int64]:
        """Return the row of each of some paths, which are sorted as well, or -1.

        Where both lists have the same paths, one after the other, these are compared as blocks of
        bytes, twice as many each time; so it takes little longer than finding out what differs.
        """
        wanted = paths if isinstance(paths, PackedText) else PackedText.of(paths)
        rows = np.full(len(wanted), -1, np.int64)
        row, place, most = 0, 0, _BLOCK
        while row < len(self) and place < len(wanted):
            count = min(most, len(self) - row, len(wanted) - place)
            here, there = self.part(row, row + count), wanted.part(place, place + count)
            if here == there:
                rows[place : place + count] = np.arange(row, row + count)
                row, place, most = row + count, place + count, 2 * count
            elif count > _BLOCK:
                most = max(_BLOCK, count // 8)
            else:
                found, passed = _merged(list(here.encoded()), list(there.encoded()))
                rows[place : place + len(found)] = np.where(found < 0, -1, found + row)
                row, place, most = row + passed, place + len(found), _BLOCK
        return rows


def _merged(known: Sequence[bytes], wanted: Sequence[bytes]) -> tuple[NDArray[np.int64], int]:
    """Go through two sorted lists until one ends.

    Returns
    -------
    ndarray of int64
        Of each one of `wanted` that was passed, the place in `known`, or -1.
    int
        How many of `known` were passed.
    """
    found: list[int] = []
    place = 0
    while place < len(known) and len(found) < len(wanted):
        here, there = known[place], wanted[len(found)]
        if here < there:
            place += 1
        else:
            found.append(place if here == there else -1)
            place += here == there
    return np.array(found, np.int64), place
