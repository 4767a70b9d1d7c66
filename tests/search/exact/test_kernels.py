"""Compiled kernels against the metrics they estimate."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_compiling_leaves_a_cache() -> None:
    kernels.compile_for("chi2", np.dtype(np.uint8))
    assert kernels.is_cached(kernels.chi2)


_COMPILED = """
import numba, numpy as np
from cbir.search.exact import kernels
kernels.compile_for("chi2", np.dtype(np.uint8))
print(kernels.chi2.stats.cache_path)
assert kernels.is_cached(kernels.chi2), "nothing was kept"
print(numba.config.CACHE_DIR)
"""


@pytest.mark.parametrize("told", [None, "elsewhere"])
def test_what_is_compiled_is_kept_for_the_user_not_in_the_package(
    tmp_path: Path, told: str | None
) -> None:
    """What lay beside the modules would outlast the package, whose name its folders then hide."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("NUMBA_CACHE_DIR", None)
    if told:
        environment["NUMBA_CACHE_DIR"] = str(tmp_path / told)
    done = subprocess.run(
        [sys.executable, "-c", _COMPILED], capture_output=True, text=True, env=environment,
        check=True, timeout=100,
    )  # fmt: skip
    kept, setting = done.stdout.splitlines()
    assert Path(kept).is_relative_to(tmp_path / (told or "cache/cbir/numba"))
    assert setting == environment.get("NUMBA_CACHE_DIR", "")
