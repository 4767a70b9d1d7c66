"""Which scoring serves which kernel."""

from __future__ import annotations

from typing import Any

from cbir.descriptors.encoders.sparse_code import SignatureKernel, WordKernel
from cbir.search.inverted.count_scoring import CountScoring
from cbir.search.inverted.signature_scoring import SignatureScoring
from cbir.search.inverted.word_scoring import WordScoring


def scoring_of(kernel: WordKernel) -> WordScoring[Any]:
    """Return what compares codes as a kernel says."""
    if isinstance(kernel, SignatureKernel):
        return SignatureScoring(kernel)
    return CountScoring(kernel)
