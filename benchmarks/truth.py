"""Which images of real folders are copies of each other already, before any copy is made.

Files that are equal byte for byte are; the rest was labeled by eye, in a CSV file whose first two
columns name two images, each as ``FOLDER/PATH`` below it. Pairs whose verdict there is unclear
are taken for copies, which leaves them out: a pair of copies is no false one, and no original.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def groups_of_copies(root: Path, paths: Sequence[str], labeled: Path | None) -> NDArray[np.intp]:
    """Return a number for each image that its copies share, and nothing else does.

    Parameters
    ----------
    root : Path
    paths : sequence of str
        Relative to `root`; their first part is the folder's name.
    labeled : Path or None
        The CSV file of labeled pairs; names that are not among `paths` are passed over.

    Returns
    -------
    ndarray of int, shape (len(paths),)
    """
    parents = list(range(len(paths)))

    def top(row: int) -> int:
        while parents[row] != row:
            row = parents[row]
        return row

    for one, two in [*_identical(root, paths), *_labeled(paths, labeled)]:
        low, high = sorted((top(one), top(two)))
        parents[high] = low
    return np.array([top(row) for row in range(len(paths))], np.intp)


def _identical(root: Path, paths: Sequence[str]) -> Iterable[tuple[int, int]]:
    first: dict[bytes, int] = {}
    for row, path in enumerate(paths):
        digest = hashlib.sha256((root / path).read_bytes()).digest()
        yield first.setdefault(digest, row), row


def _labeled(paths: Sequence[str], labeled: Path | None) -> Iterable[tuple[int, int]]:
    if labeled is None:
        return
    rows = {path: row for row, path in enumerate(paths)}
    with open(labeled, newline="", encoding="utf-8") as file:
        for one, two, *_ in csv.reader(file):
            if one in rows and two in rows:
                yield rows[one], rows[two]
