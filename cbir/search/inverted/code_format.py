"""What is kept of a code, and which codes may be kept together."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.encoders.sparse_code import (
    MOST_ENTRIES,
    CountKernel,
    SparseCode,
    WordKernel,
)


@dataclass(frozen=True, slots=True)
class CodeFormat:
    """The codes that an inverted file holds.

    Attributes
    ----------
    digest : bytes
        32 bytes that tell codes of different origin apart, and those whose norms differ.
    words : int
        Of the vocabulary.
    payload_bytes : int
        Kept with each word.
    repeated : bool
        A code may have a word more than once.
    norms : dtype
        What is kept of each image for its distances.
    """

    digest: bytes
    words: int
    payload_bytes: int
    repeated: bool
    norms: np.dtype[Any]

    @classmethod
    def of(cls, kernel: WordKernel, norms: np.dtype[Any], fingerprint: str) -> CodeFormat:
        """Return the format of codes that are compared by `kernel`.

        Parameters
        ----------
        kernel : WordKernel
        norms : dtype
        fingerprint : str
            Of all that makes the codes.
        """
        stored = [fingerprint, type(kernel).__name__, kernel.payload_bytes, kernel.repeated]
        if isinstance(kernel, CountKernel):
            stored.append(float(kernel.power))
        digest = sha256(repr(stored).encode() + kernel.idf.astype("<f4").tobytes()).digest()
        words = len(kernel.idf)
        return cls(digest, words, kernel.payload_bytes, kernel.repeated, norms)

    def check(self, code: SparseCode) -> None:
        """Make sure that a code, of an image or a query, is one of these.

        Raises
        ------
        ValueError
            When it is not: a defect of what made it.
        """
        words, payloads, weights = code.words, code.payloads, code.weights
        if words.ndim != 1 or words.dtype not in (np.uint16, np.uint32):
            raise ValueError(f"words are numbers of 16 or 32 bits, not {words.dtype}{words.shape}")
        if payloads.dtype != np.uint8 or payloads.shape != (len(words), self.payload_bytes):
            raise ValueError(
                f"with {len(words)} words, there are {self.payload_bytes} bytes each,"
                f" not {payloads.dtype}{payloads.shape}"
            )
        if len(words) > MOST_ENTRIES:
            raise ValueError(f"a code has at most {MOST_ENTRIES} entries, not {len(words)}")
        if len(words) and words[-1] >= self.words:
            raise ValueError(f"there are {self.words} words; one has the number {words[-1]}")
        before, after = words[:-1], words[1:]
        if not (before <= after if self.repeated else before < after).all():
            raise ValueError("words ascend, and only some kernels allow repeated ones")
        if weights is not None and not _are_weights(weights, len(words)):
            raise ValueError("weights are float32, one an entry, finite and not negative")


def _are_weights(weights: NDArray[np.float32], count: int) -> bool:
    sound = weights.shape == (count,) and weights.dtype == np.float32
    return sound and bool((np.isfinite(weights) & (weights >= 0)).all())
