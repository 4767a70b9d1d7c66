"""Columns of metadata as a few arrays, which the cache keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.packed_text import PackedText, is_packed
from cbir.stores.metadata import MetadataColumn

_KINDS = {"": np.dtype("i8"), "i": np.dtype("i8"), "f": np.dtype("f8"), "M": np.dtype("M8[us]")}
"""What the values of distinct texts are: nothing, whole numbers, numbers, times."""


def pack(columns: Sequence[MetadataColumn]) -> dict[str, NDArray[Any]]:
    """Return columns, at least one, as arrays.

    Returns
    -------
    dict of str to ndarray
        ``codes``, int32, a row a column; ``counts``, int64: how many distinct texts each has;
        ``kinds``, bytes of a letter: of what type their values are; ``blob`` and ``ends``: the
        texts of all columns; ``typed``, int64: their values, bit by bit, 0 for those of text.
    """
    distinct = PackedText.of(text for column in columns for text in column.distinct)
    counts = np.array([len(column.distinct) for column in columns], np.int64)
    kinds = ["" if column.is_text else column.typed.dtype.kind for column in columns]
    values = [
        np.zeros(len(column.distinct), np.int64) if column.is_text else column.typed.view(np.int64)
        for column in columns
    ]
    return {
        "codes": np.stack([column.codes for column in columns]),
        "counts": counts,
        "kinds": np.array(kinds, "S1"),
        "blob": distinct.blob,
        "ends": distinct.ends,
        "typed": np.concatenate(values),
    }


def unpack(arrays: Mapping[str, NDArray[Any]], count: int) -> list[MetadataColumn]:
    """Return the columns that arrays say, without a copy.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        As :func:`pack` returns them.
    count : int
        How many images there are.

    Raises
    ------
    KeyError, ValueError, TypeError, AttributeError
        When they are others.
    """
    codes, counts, kinds = arrays["codes"], arrays["counts"], arrays["kinds"]
    blob, ends, typed = arrays["blob"], arrays["ends"], arrays["typed"]
    if not (
        [codes.dtype, counts.dtype, typed.dtype] == [np.dtype(one) for one in ("i4", "i8", "i8")]
        and codes.shape == (len(counts), count)
        and is_packed(blob, ends)
        and len(kinds) == len(counts)
        and int(counts.sum()) == len(ends) == len(typed)
        and bool((counts >= 0).all())
        and bool((codes >= 0).all())
        and bool((codes < counts[:, None]).all())
    ):
        raise ValueError("not columns of metadata")
    return list(_columns(codes, counts, kinds, blob, ends, typed))


def _columns(
    codes: NDArray[Any],
    counts: NDArray[Any],
    kinds: NDArray[Any],
    blob: NDArray[Any],
    ends: NDArray[Any],
    typed: NDArray[Any],
) -> Iterator[MetadataColumn]:
    start = 0
    for number, stop in enumerate(np.cumsum(counts).tolist()):
        first = int(ends[start - 1]) if start else 0
        last = int(ends[stop - 1]) if stop else 0
        distinct = PackedText(blob[first:last], ends[start:stop] - first)
        kind = kinds[number].decode()
        values = typed[start:stop].view(_KINDS[kind]) if kind else typed[:0]
        yield MetadataColumn(codes[number], distinct, values)
        start = stop
