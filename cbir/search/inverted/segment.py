"""A segment of an inverted file: codes of images that do not change any more."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.regular_files import open_regular
from cbir.search.inverted.code_format import CodeFormat
from cbir.search.inverted.plausibility import is_plausible
from cbir.search.inverted.segment_layout import (
    HEADER_BYTES,
    SECTIONS,
    Bytes,
    DamagedSegmentError,
    unpacked,
)
from cbir.stores.single_file.array_files import checksum

SUFFIX = ".segment"


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Which lists of a segment belong to which entries of a query.

    Attributes
    ----------
    entries : ndarray of intp, shape (m,)
        Entries of the query whose words any image of the segment has.
    first, last : ndarray of int64, shape (m,)
        Where the list of the word begins and ends among the entries of the segment.
    """

    entries: NDArray[np.intp]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @property
    def postings(self) -> int:
        """How many entries of the segment they hold."""
        return int((self.last - self.first).sum())


class Segment:
    """A segment, in memory or mapped from its file: it stays readable when that is removed.

    Parameters
    ----------
    raw : ndarray of uint8
        Its bytes.
    codes : CodeFormat
        Of the codes that it is expected to hold.

    Attributes
    ----------
    raw : ndarray of uint8
    name : str
        Of its file; it is made of the header, and so of the content.
    keys : ndarray of uint8, shape (images, 32)
    counts : ndarray of uint32, shape (images,)
        Entries of each image.
    norms : ndarray, shape (images,)
        Of the scoring's type.
    words, starts, images, payloads : ndarray
        See :mod:`cbir.search.inverted.segment_layout`.

    Raises
    ------
    DamagedSegmentError
        When the bytes are no such segment, as far as a quick look tells; see :meth:`check`.
    """

    def __init__(self, raw: Bytes, codes: CodeFormat) -> None:
        parts, self._checksums = unpacked(
            raw, codes.digest, codes.payload_bytes, codes.norms, codes.words
        )
        self.raw = raw
        self.name = name_of(raw[:HEADER_BYTES].tobytes())
        self.keys, self.counts, self.norms = parts["keys"], parts["counts"], parts["norms"]
        self.words, self.starts = parts["words"], parts["starts"]
        self.images, self.payloads = parts["images"], parts["payloads"]
        self._codes = codes
        self.checked = False

    @classmethod
    def open(cls, path: Path, codes: CodeFormat) -> Segment:
        """Map a file, and look at it quickly.

        Raises
        ------
        OSError
            When it cannot be read.
        DamagedSegmentError
            When it is no such segment.
        """
        with open_regular(str(path)) as file:
            if not os.fstat(file.fileno()).st_size:
                raise DamagedSegmentError("it is empty")
            raw: Bytes = np.memmap(file, np.uint8, mode="r").view(np.ndarray)
        segment = cls(raw, codes)
        if path.name != segment.name:
            raise DamagedSegmentError("it is another segment's")
        return segment

    @classmethod
    def of(cls, raw: Bytes, codes: CodeFormat) -> Segment:
        """Return a segment that was just made, in memory."""
        segment = cls(raw, codes)
        segment.checked = True
        return segment

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def entries(self) -> int:
        """How many entries all codes have."""
        return len(self.images)

    def check(self) -> bool:
        """Read all sections; say whether they are what was written, and can be codes of images."""
        if not self.checked:
            parts: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in SECTIONS}
            self.checked = tuple(map(checksum, parts.values())) == self._checksums and is_plausible(
                parts, self._codes
            )
        return self.checked

    def lists(self, words: NDArray[Any]) -> Lists:
        """Return the lists of some words, each of which may be asked for several times."""
        if not len(self.words):
            none = np.empty(0, np.intp)
            return Lists(none, self.starts[:0], self.starts[:0])
        places = np.minimum(np.searchsorted(self.words, words), len(self.words) - 1)
        entries = np.flatnonzero(self.words[places] == words)
        places = places[entries]
        return Lists(entries, self.starts[places], self.starts[places + 1])


def name_of(header: bytes) -> str:
    """Return the name of the file of a segment that begins with `header`."""
    return sha256(header).hexdigest()[:16] + SUFFIX
