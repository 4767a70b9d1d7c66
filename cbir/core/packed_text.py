"""Many texts in little memory."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

_ASCII = 127


class PackedText(Sequence[str]):
    """Texts in one block of bytes; each is decoded when it is asked for.

    Bytes that are not UTF-8 are kept, as Python keeps those of file names.

    Parameters
    ----------
    blob : ndarray of uint8
        The bytes of all texts, one after the other.
    ends : ndarray of int64, shape (n,)
        Where each ends.

    Examples
    --------
    >>> texts = PackedText.of(["red", "", "blue"])
    >>> texts[2], texts[:2], len(texts)
    ('blue', ['red', ''], 3)
    """

    def __init__(self, blob: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        self.blob = blob
        self.ends = ends

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Pack texts."""
        texts = list(texts)
        whole = "".join(texts)
        if whole.isascii():  # a letter is a byte, so all are encoded at once
            ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
            return cls(np.frombuffer(whole.encode("ascii"), np.uint8), ends)
        return cls.of_bytes(map(os.fsencode, texts))

    @classmethod
    def of_bytes(cls, texts: Iterable[bytes]) -> Self:
        """Pack the bytes of texts."""
        encoded = list(texts)
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends)

    @classmethod
    def joined(cls, parts: Sequence[PackedText]) -> Self:
        """Return the texts of several, one after the other."""
        sizes = [len(part.blob) for part in parts]
        starts = np.cumsum([0, *sizes[:-1]])
        blobs = [part.blob for part in parts] or [np.empty(0, np.uint8)]
        ends = [part.ends + start for part, start in zip(parts, starts, strict=False)]
        return cls(np.concatenate(blobs), np.concatenate(ends or [np.empty(0, np.int64)]))

    def __len__(self) -> int:
        return len(self.ends)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, PackedText)
            and np.array_equal(self.blob, other.blob)
            and np.array_equal(self.ends, other.ends)
        )

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return list(self.part(start, max(start, stop)))
            return [self[i] for i in range(start, stop, step)]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return os.fsdecode(self._bytes(index % len(self)))

    @property
    def is_ascii(self) -> bool:
        """Whether there is nothing but letters of ASCII in them."""
        return not len(self.blob) or bool(self.blob.max() <= _ASCII)

    @property
    def is_utf8(self) -> bool:
        """Whether each text by itself is UTF-8."""
        if self.is_ascii:
            return True
        firsts = self.blob[np.append(0, self.ends[:-1])[np.diff(self.ends, prepend=0) > 0]]
        if ((firsts & 0xC0) == 0x80).any():  # a letter goes on from the text before
            return False
        try:
            self.blob.tobytes().decode()
        except UnicodeDecodeError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        if not self.is_ascii:
            return map(os.fsdecode, self.encoded())
        # A letter is a byte: so all are decoded at once.
        whole, ends = self.blob.tobytes().decode("ascii"), self.ends.tolist()
        return (whole[start:end] for start, end in itertools.pairwise([0, *ends]))

    def encoded(self) -> Iterator[bytes]:
        """Go through the texts as bytes, which is faster than asking for each."""
        whole, ends = self.blob.tobytes(), self.ends.tolist()
        return (whole[start:end] for start, end in itertools.pairwise([0, *ends]))

    def part(self, start: int, stop: int) -> PackedText:
        """Return the texts of some rows, one after the other, without a copy."""
        before = int(self.ends[start - 1]) if start else 0
        after = int(self.ends[stop - 1]) if stop else 0
        return PackedText(self.blob[before:after], self.ends[start:stop] - before)

    def _bytes(self, row: int) -> bytes:
        start = int(self.ends[row - 1]) if row else 0
        return self.blob[start : int(self.ends[row])].tobytes()


def is_packed(blob: NDArray[Any], ends: NDArray[Any]) -> bool:
    """Say whether arrays from a file are those of packed texts."""
    return (
        [blob.dtype, ends.dtype] == [np.dtype("u1"), np.dtype("i8")]
        and blob.ndim == ends.ndim == 1
        and bool((np.diff(ends, prepend=0) >= 0).all())
        and (int(ends[-1]) if len(ends) else 0) == len(blob)
    )
