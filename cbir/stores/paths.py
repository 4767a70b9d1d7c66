"""The paths of an index: which ones there may be, and many of them in little memory."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray


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


class PathList(Sequence[str]):
    """Sorted paths in one block of bytes; each is decoded when it is asked for.

    Parameters
    ----------
    blob : ndarray of uint8
        The bytes of all paths, one after the other.
    ends : ndarray of int64, shape (n,)
        Where each ends.

    Examples
    --------
    >>> paths = PathList.of(["a.jpg", "b.jpg"])
    >>> paths[1], paths.find("b.jpg"), paths.find("c.jpg")
    ('b.jpg', 1, None)
    >>> paths.rows_of(["a.jpg", "c.jpg"])
    array([ 0, -1])
    """

    def __init__(self, blob: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        self.blob = blob
        self.ends = ends

    @classmethod
    def of(cls, paths: Iterable[str]) -> PathList:
        """Pack paths that are sorted by their bytes."""
        encoded = [os.fsencode(path) for path in paths]
        ends = np.cumsum([len(path) for path in encoded], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, PathList)
            and np.array_equal(self.blob, other.blob)
            and np.array_equal(self.ends, other.ends)
        )

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return os.fsdecode(self._bytes(index % len(self)))

    def __iter__(self) -> Iterator[str]:
        return map(os.fsdecode, self.encoded())

    def encoded(self) -> Iterator[bytes]:
        """Go through the paths as bytes, which is faster than asking for each."""
        blob, start = self.blob.data, 0
        for end in map(int, self.ends):
            yield bytes(blob[start:end])
            start = end

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

    def _bytes(self, row: int) -> bytes:
        start = int(self.ends[row - 1]) if row else 0
        return self.blob[start : int(self.ends[row])].tobytes()
