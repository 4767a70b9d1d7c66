from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cbir.descriptors.encoders.sparse_code import CountKernel, SignatureKernel

IDF = np.ones(10, np.float32)


def test_similarities_are_powers_above_the_threshold() -> None:
    similarities = SignatureKernel(IDF, 64, alpha=2, threshold=0.5).similarities()
    assert similarities[:16].tolist() == [((64 - 2 * h) / 64) ** 2 for h in range(16)]
    assert not similarities[16:].any() and len(similarities) == 65


def test_strengths_are_powers_of_counts() -> None:
    assert CountKernel(IDF, payload_bytes=1).strengths().tolist() == list(range(256))
    assert CountKernel(IDF, 0.5).strengths()[65_025] == 255


def test_a_kernel_can_be_changed_in_one_respect() -> None:
    assert replace(CountKernel(IDF), metric="cosine").metric == "cosine"


@pytest.mark.parametrize("idf", [IDF[None], IDF.astype(float), IDF * np.nan, -IDF, IDF * np.inf])
def test_weights_of_words_are_finite_numbers(idf: np.ndarray) -> None:
    for kernel in (lambda: SignatureKernel(idf, 64), lambda: CountKernel(idf)):
        with pytest.raises(ValueError, match="idf"):
            kernel()


@pytest.mark.parametrize("wrong", [{"bits": 32}, {"threshold": 1}, {"threshold": -1}, {"alpha": 0}])
def test_parameters_of_signatures_are_in_their_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SignatureKernel(IDF, **{"bits": 64} | wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"power": 0}, {"payload_bytes": 4}])
def test_parameters_of_counts_are_in_their_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"power|bytes"):
        CountKernel(IDF, **wrong)  # type: ignore[arg-type]
