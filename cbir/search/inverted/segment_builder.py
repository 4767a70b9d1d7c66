"""Gathers the codes of some images, and sorts them by word into a segment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.encoders.sparse_code import SparseCode
from cbir.search.inverted.code_format import CodeFormat
from cbir.search.inverted.segment_layout import KEY_BYTES, MOST_IMAGES, Bytes, packed
from cbir.search.inverted.word_scoring import WordScoring

RUN_BYTES = 48 << 20
"""Of entries that are gathered; sorting and packing them takes four times as much memory."""

_NUMBERS_BYTES = 6
"""Of a word, and of the number of its image."""


class SegmentBuilder:
    """Holds codes until they are as many as should be sorted at once.

    Parameters
    ----------
    codes : CodeFormat
    scoring : WordScoring
        Which norms the images get.
    run_bytes : int
        Of entries that make a segment.
    """

    def __init__(
        self, codes: CodeFormat, scoring: WordScoring[Any], run_bytes: int = RUN_BYTES
    ) -> None:
        self._codes, self._scoring, self._run_bytes = codes, scoring, run_bytes
        self._start()

    def _start(self) -> None:
        self._keys: list[bytes] = []
        self._norms: list[tuple[float, ...]] = []
        self._words: list[NDArray[np.unsignedinteger]] = []
        self._payloads: list[NDArray[np.uint8]] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def is_full(self) -> bool:
        """Whether the codes should be sorted now."""
        return self._bytes >= self._run_bytes or len(self) >= MOST_IMAGES

    def add(self, key: bytes, code: SparseCode) -> None:
        """Add the code of an image.

        Raises
        ------
        ValueError
            When it is not of the format.
        """
        self._codes.check(code)
        self._keys.append(key)
        self._norms.append(self._scoring.norm(code))
        self._words.append(code.words)
        self._payloads.append(code.payloads)
        self._bytes += len(code) * (self._codes.payload_bytes + _NUMBERS_BYTES)

    def take(self) -> Bytes:
        """Return the bytes of a segment of all codes, and forget them."""
        counts = np.array([len(words) for words in self._words], np.uint32)
        narrow = np.uint16 if self._codes.words <= 1 << 16 else np.uint32
        every = np.concatenate([np.empty(0, narrow), *self._words]).astype(narrow, copy=False)
        order = np.argsort(every, kind="stable")  # numbers of 16 bits are sorted by radix
        words, lengths = np.unique(every[order], return_counts=True)
        images = np.repeat(np.arange(len(counts), dtype=np.uint16), counts)
        none = np.empty((0, self._codes.payload_bytes), np.uint8)
        raw = packed(
            {
                "keys": np.frombuffer(b"".join(self._keys), np.uint8).reshape(-1, KEY_BYTES),
                "counts": counts,
                "norms": np.array(self._norms, self._codes.norms),
                "words": words.astype(np.uint32),
                "starts": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
                "images": images[order],
                "payloads": np.concatenate([none, *self._payloads])[order],
            },
            self._codes.digest,
        )
        self._start()
        return raw
