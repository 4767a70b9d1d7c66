"""What is computed from a matrix and cached: how, and what an array from the cache must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Derivation:
    """How named arrays are computed from a matrix, and what they are.

    A checksum says only that an array is the one that was written, by whomever. So what comes from
    a cache is compared with what it has to be before it is used.

    Attributes
    ----------
    build : callable
        Computes the arrays.
    arrays : mapping of str to (shape, dtype)
        What it returns: no other names, shapes or types.
    """

    build: Callable[[], dict[str, NDArray[Any]]]
    arrays: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]

    def fits(self, found: Mapping[str, NDArray[Any]]) -> bool:
        """Say whether arrays could be what is computed."""
        return found.keys() == self.arrays.keys() and all(
            is_array_of(found[name], *expected) for name, expected in self.arrays.items()
        )


def is_array_of(array: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Say whether an array has a shape and a type, and all its numbers are finite.

    Examples
    --------
    >>> is_array_of(np.array([1, np.nan]), (2,), np.dtype(float))
    False
    """
    if (array.shape, array.dtype) != (shape, dtype):
        return False
    # Without a copy as large as the array: what is not finite is the least or the greatest.
    ends = (array.min(), array.max()) if dtype.kind == "f" and array.size else (0, 0)
    return bool(np.isfinite(ends).all())
