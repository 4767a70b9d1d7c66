"""Arrays in files that are mapped into memory, of which only what is used just now stays there."""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cbir.core.spliced_rows import Matrix, SplicedRows

_WORTH_A_FILE = 1 << 24
"""Bytes from which an array is kept in a file."""

STEP = 1 << 24
"""Bytes after which it is time to release what was used."""


class _ScratchFile(mmap.mmap):
    """A mapped file of ours: what is released of it is not lost, as it would be without a file."""


def scratch_array(shape: tuple[int, ...], dtype: DTypeLike, folder: str) -> NDArray[Any]:
    """Return an array of zeros, a large one in a file that nobody else sees.

    The file has no name, and goes with the array. Its room is taken at once: a full disk is told
    here, and does not end the process later.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    folder : str
        Where the file lies.

    Raises
    ------
    OSError
        When there is not enough room.

    Examples
    --------
    >>> scratch_array((2, 3), np.uint8, ".").shape
    (2, 3)
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < _WORTH_A_FILE or not hasattr(os, "posix_fallocate"):
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, size)
        return np.frombuffer(_ScratchFile(file.fileno(), size), dtype).reshape(shape)


def release(arrays: Iterable[Matrix]) -> None:
    """Let the system take the memory of arrays, if they are scratch or mapped for reading only."""
    for array in arrays:
        if isinstance(array, SplicedRows):
            release([array.kept, array.fresh])
            continue
        mapped = _mapped(array)
        if mapped is not None and hasattr(mapped, "madvise"):
            mapped.madvise(mmap.MADV_DONTNEED)


def steps(count: int, step: int, arrays: Iterable[Matrix]) -> Iterator[slice]:
    """Yield slices of rows that are worked on one after the other, and release what was used.

    Parameters
    ----------
    count : int
        How many rows there are.
    step : int
        Of each slice.
    arrays : iterable of ndarray or SplicedRows
        Whose rows are used.

    Examples
    --------
    >>> list(steps(5, 2, []))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    used, arrays = 0, list(arrays)
    width = sum(array.nbytes // max(1, len(array)) for array in arrays)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
        used += step * width
        if used >= STEP:
            release(arrays)
            used = 0


def _mapped(array: Any) -> mmap.mmap | None:
    """Return the mapped file that an array is a view of, if its content stays there."""
    while array is not None:
        if isinstance(array, _ScratchFile):
            return array
        if isinstance(array, np.memmap):
            return getattr(array, "_mmap", None) if array.mode == "r" else None
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
    return None
