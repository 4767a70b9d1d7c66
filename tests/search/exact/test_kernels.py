"""Compiled kernels against the metrics they estimate."""

from __future__ import annotations

import numpy as np
import pytest

from cbir.descriptors.base import PLAIN, ROOTS, Encoding
from cbir.search.exact import kernels
from cbir.search.metrics import METRICS


@pytest.mark.parametrize("name", kernels.KERNELS)
@pytest.mark.parametrize(
    ("dtype", "encoding"),
    [(np.uint8, ROOTS), (np.uint8, Encoding(1 / 255)), (np.uint16, PLAIN), (np.float32, PLAIN)],
)
def test_a_kernel_estimates_its_metric(name: str, dtype: type, encoding: Encoding) -> None:
    rng = np.random.default_rng(3)
    rows = (rng.integers(0, 256, (50, 333)) * (rng.random((50, 333)) < 0.4)).astype(dtype)
    rows[7] = 0
    for query in (rows[0], rows[7]):
        exact = METRICS[name].between(encoding.values(query), encoding.values(rows))
        out = np.empty(len(rows), np.float32)
        kernels.KERNELS[name](
            encoding.values(query, np.float32),
            rows,
            np.float32(encoding.scale),
            encoding.power == 2,
            out,
        )
        np.testing.assert_allclose(out, exact, rtol=2e-5, atol=2e-6)
