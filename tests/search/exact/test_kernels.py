"""Compiled loops against the metrics they estimate."""

from __future__ import annotations

import numpy as np
import pytest

from cbir.descriptors.base import PLAIN, ROOTS, Encoding
from cbir.search.exact import kernels
from cbir.search.metrics import METRICS, hamming
from tests.compiled import compiled

NAMES = ("chi2", "euclidean", "manhattan", "cosine")
TYPES = {"uint8": ROOTS, "uint16": PLAIN, "float32": Encoding(1 / 255)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", TYPES)
def test_a_loop_estimates_its_metric(name: str, dtype: str) -> None:
    encoding = TYPES[dtype]
    rng = np.random.default_rng(3)
    rows = (rng.integers(0, 256, (50, 333)) * (rng.random((50, 333)) < 0.4)).astype(dtype)
    rows[7] = 0
    run = compiled(kernels.loop_of(name, rows.dtype))
    square, scale = encoding.power == 2, encoding.scale**encoding.power
    for query in (rows[0], rows[7]):
        exact = METRICS[name].between(encoding.values(query), encoding.values(rows))
        out = np.empty(len(rows), np.float32)
        run(kernels.compared(query, square), rows, *rows.shape, square, scale, out)
        np.testing.assert_allclose(out, exact, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", ["euclidean", "manhattan", "cosine"])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_a_loop_estimates_its_metric_of_signed_numbers(name: str, dtype: str) -> None:
    encoding = Encoding(1 / 90)
    rows = np.random.default_rng(4).integers(-128, 128, (50, 333)).astype(dtype)
    rows[7] = 0
    rows[8] = -rows[0] // 2
    run = compiled(kernels.loop_of(name, rows.dtype))
    for query in (rows[0], rows[7]):
        exact = METRICS[name].between(encoding.values(query), encoding.values(rows))
        out = np.empty(len(rows), np.float32)
        run(kernels.compared(query, False), rows, *rows.shape, False, encoding.scale, out)
        np.testing.assert_allclose(out, exact, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("words", [1, 4, 5])
def test_the_loop_counts_differing_bits(words: int) -> None:
    rows = np.random.default_rng(words).integers(0, 256, (100, 8 * words), np.uint8)
    rows[3] = ~rows[0]
    run = compiled(kernels.HAMMING)
    out = np.empty(len(rows), np.int32)
    run(rows[0].view(np.uint64), rows.view(np.uint64), len(rows), words, out)
    np.testing.assert_array_equal(out, hamming(rows[0], rows))
    assert out[3] == 64 * words


def test_there_is_no_loop_for_other_numbers() -> None:
    assert kernels.loop_of("chi2", np.dtype(np.float64)) is None
    assert kernels.loop_of("chi2", np.dtype(">u2")) is None
    assert kernels.loop_of("canberra", np.dtype(np.uint8)) is None
