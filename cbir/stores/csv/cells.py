"""How the rows of descriptors stand in the cells of a CSV, by the kind of row."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import HIGHEST_QUALITY, Row
from cbir.descriptors.row_kinds import HASH
from cbir.stores.descriptor_entry import DescriptorEntry

Check = Callable[[str], Any]
"""Raises ValueError for the text of a cell that cannot be read."""


class CellCodec(Protocol):
    """Turns the rows of one descriptor into cells, and back."""

    def text_columns(self, entry: DescriptorEntry) -> list[str]:
        """Return the columns that are text to a reader of CSV files, not numbers."""

    def decode(self, frame: Any, entry: DescriptorEntry) -> Row:
        """Return the rows that a pandas frame holds.

        Raises
        ------
        ValueError
            When a cell cannot be read.
        """

    def encoder(self, entry: DescriptorEntry) -> Callable[[Row], str]:
        """Return what writes a row as cells with commas between them."""

    def checks(self, entry: DescriptorEntry) -> dict[str, Check]:
        """Return what tells whether a cell can be read, by column."""


class NumberCells:
    """One column a number."""

    def text_columns(self, entry: DescriptorEntry) -> list[str]:
        return []

    def decode(self, frame: Any, entry: DescriptorEntry) -> Row:
        values, dtype = frame[entry.columns].to_numpy(), np.dtype(entry.dtype)
        if dtype.kind != "f":
            return whole_numbers(values, dtype)
        numbers = values.astype(dtype)
        if not np.isfinite(numbers).all():
            raise ValueError("a number is not finite")
        return numbers

    def encoder(self, entry: DescriptorEntry) -> Callable[[Row], str]:
        dtype = np.dtype(entry.dtype)
        if dtype == np.uint8:
            return _bytes_as_text
        if dtype.kind == "f":
            digits = np.finfo(dtype).precision + 3
            return lambda row: ",".join([f"{value:.{digits}g}" for value in row.tolist()])
        return lambda row: ",".join(map(str, row.tolist()))

    def checks(self, entry: DescriptorEntry) -> dict[str, Check]:
        return dict.fromkeys(entry.columns, partial(check_number, np.dtype(entry.dtype)))


class HashCells:
    """The bits in one column, as hexadecimal digits behind an ``h``; the quality in another."""

    def text_columns(self, entry: DescriptorEntry) -> list[str]:
        return entry.columns[:1]

    def decode(self, frame: Any, entry: DescriptorEntry) -> Row:
        bits_column, *quality_columns = entry.columns
        length = entry.dimension // 8
        packed = b"".join(_hash_of(length, cell) for cell in frame[bits_column])
        bits = np.frombuffer(packed, np.uint8).reshape(-1, length)
        return np.column_stack([bits, *(_qualities(frame[name]) for name in quality_columns)])

    def encoder(self, entry: DescriptorEntry) -> Callable[[Row], str]:
        length = entry.dimension // 8
        if entry.has_quality:
            return lambda row: f"h{row[:length].tobytes().hex()},{row[length]}"
        return lambda row: f"h{row.tobytes().hex()}"

    def checks(self, entry: DescriptorEntry) -> dict[str, Check]:
        check_hash = partial(_hash_of, entry.dimension // 8)
        return dict(zip(entry.columns, (check_hash, _check_quality), strict=False))


_NUMBERS = NumberCells()
_CODECS: dict[str, CellCodec] = {HASH.name: HashCells()}


def codec_of(entry: DescriptorEntry) -> CellCodec:
    """Return the codec of a descriptor's kind of rows; numbers unless another is registered."""
    return _CODECS.get(entry.kind, _NUMBERS)


def whole_numbers(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the values of a column as integers; raise ValueError if they are none of the type."""
    if not values.size:
        return values.astype(dtype)
    if values.dtype.kind not in "iu":
        raise ValueError("not whole numbers")
    limits = np.iinfo(dtype)
    if values.min() < limits.min or values.max() > limits.max:
        raise ValueError("a number is out of range")
    return values.astype(dtype)


def bytes_of_hex(cell: str, length: int) -> bytes:
    """Return the bytes that hexadecimal digits stand for; raise ValueError if they are others."""
    value = bytes.fromhex(cell)
    if len(value) != length or len(cell) != 2 * length:
        raise ValueError(f"not {2 * length} hexadecimal digits")
    return value


def check_number(dtype: np.dtype[Any], cell: str) -> None:
    """Raise ValueError for a cell that is no number of the type."""
    if dtype.kind == "f":
        if not np.isfinite(np.array(float(cell), dtype)):
            raise ValueError(cell)
        return
    if not re.fullmatch(r"-?\d+", cell.strip()):
        raise ValueError(cell)
    whole_numbers(np.array([int(cell)]), dtype)


def _hash_of(length: int, cell: str) -> bytes:
    if not cell.startswith("h"):
        raise ValueError("a hash begins with h")
    return bytes_of_hex(cell[1:], length)


def _qualities(column: Any) -> NDArray[Any]:
    qualities = whole_numbers(column.to_numpy(), np.dtype(np.uint8))
    if (qualities > HIGHEST_QUALITY).any():
        raise ValueError("a quality is out of range")
    return qualities


def _check_quality(cell: str) -> None:
    check_number(np.dtype(np.uint8), cell)
    if int(cell) > HIGHEST_QUALITY:
        raise ValueError(cell)


# The text of every byte with a comma behind it, filled up with zeros to four characters.
_BYTE_TEXTS = np.array([f"{value},".encode() for value in range(256)], "S4").view(np.uint32)


def _bytes_as_text(row: Row) -> str:
    return _BYTE_TEXTS[row].tobytes().translate(None, b"\0")[:-1].decode("ascii")
