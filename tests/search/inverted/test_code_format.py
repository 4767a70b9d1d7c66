from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cbir.descriptors.encoders.sparse_code import CountKernel, SignatureKernel, SparseCode
from cbir.search.inverted.code_format import CodeFormat
from cbir.search.inverted.scorings import scoring_of

IDF = np.ones(10, np.float32)
CODES = CodeFormat.of(CountKernel(IDF), scoring_of(CountKernel(IDF)).norms, "test")


def code(words: Any = (1, 2), payloads: Any = ((1, 0), (2, 0)), weights: Any = None) -> SparseCode:
    return SparseCode(np.asarray(words, np.uint16), np.asarray(payloads, np.uint8), weights)


def test_a_code_of_the_format_is_accepted() -> None:
    CODES.check(code())
    CODES.check(code(weights=np.ones(2, np.float32)))
    CODES.check(code(np.empty(0), np.empty((0, 2))))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (code(words=(2, 1)), "ascend"),
        (code(words=(2, 2)), "ascend"),
        (code(words=(2, 10)), "there are 10 words"),
        (code(words=((1, 2),)), "numbers of 16 or 32 bits"),
        (SparseCode(np.array([1, 2]), code().payloads), "numbers of 16 or 32 bits"),  # type: ignore[arg-type]
        (code(payloads=((1,), (2,))), "2 bytes each"),
        (code(payloads=((1, 0),)), "2 bytes each"),
        (code(weights=np.ones(3, np.float32)), "weights"),
        (code(weights=np.ones(2)), "weights"),
        (code(weights=np.array([1, np.nan], np.float32)), "weights"),
        (code(weights=np.array([1, -1], np.float32)), "weights"),
        (code(np.zeros(65_536), np.zeros((65_536, 2))), "at most 65535"),
    ],
)
def test_other_codes_are_refused(wrong: SparseCode, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODES.check(wrong)


def test_a_digest_tells_apart_what_is_kept() -> None:
    kernels = [
        CountKernel(IDF),
        CountKernel(IDF, power=0.5),
        CountKernel(IDF, payload_bytes=1),
        CountKernel(IDF * 2),
        SignatureKernel(IDF, 64),
        SignatureKernel(IDF, 128),
        SignatureKernel(IDF, 64, repeated=True),
    ]
    digests = {CodeFormat.of(one, scoring_of(one).norms, "test").digest for one in kernels}
    assert len(digests) == len(kernels)


def test_a_digest_does_not_depend_on_how_the_same_is_compared() -> None:
    for one, other in (
        (CountKernel(IDF), CountKernel(IDF, metric="cosine")),
        (SignatureKernel(IDF, 64), SignatureKernel(IDF, 64, alpha=1, threshold=0.5)),
    ):
        formats = [CodeFormat.of(kernel, scoring_of(kernel).norms, "x") for kernel in (one, other)]
        assert formats[0] == formats[1]
