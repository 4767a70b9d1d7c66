"""How long exact search takes in memory, beside merely reading the same numbers.

Example::

    python benchmarks/exact.py corel1k clothing --rows 200000

The rows are of two kinds: those that the descriptor stores, in 8 bits, and the same values in
single precision. They are drawn with the statistics of real ones: each is the mean of the rows of
two images that are drawn at random, weighted at random; the queries are rows of images that none
was drawn from. For each metric: milliseconds of one query, with the exact distances of its 10
nearest; those of numpy's product of the same numbers, in single precision, with a vector; and
those of a query when 100 are searched for together. For hashes, random ones of 256 bits. Medians of
several rounds, in turn; the loops were compiled before.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import report, seconds
from numpy.typing import NDArray

import cbir
from cbir.descriptors.base import PLAIN, Encoding
from cbir.descriptors.registry import parse
from cbir.search.candidates import top_k, top_k_of_each
from cbir.search.exact.binary import BinaryFlatIndex
from cbir.search.exact.flat import FlatIndex
from cbir.search.exact.kernels import HAMMING, loop_of
from cbir.search.metrics import METRICS
from cbir.stores import open_store

TOP, TOGETHER = 10, 100

_BEFORE = 12
"""Rounds that are not told; after some of them, a loop is worth loading."""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path, nargs="+")
    parser.add_argument("--descriptor", default="hsv")
    parser.add_argument("--numbers", type=int, default=512, help="of each row, the first ones")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    encoding = parse(options.descriptor).descriptor.encoding
    real = _real(options.dataset, options.descriptor)[:, : options.numbers]
    rows, queries = _drawn(real, options.rows)
    rows_measured = []
    for metric in ("chi2", "euclidean", "cosine", "manhattan"):
        for stored, matrix, some in (
            (encoding, rows, queries),
            (PLAIN, encoding.values(rows, np.float32), encoding.values(queries, np.float32)),
        ):
            rows_measured.append(_numbers(metric, stored, matrix, some, options.rounds))
    rows_measured.append(_hashes(options.hashes, options.rounds))
    columns = ["metric", "type", "rows", "numbers", "one ms", "product ms", "ratio"]
    columns += ["of 100 together ms", "times as fast"]
    report("exact", columns, rows_measured)


def _real(datasets: list[Path], spec: str) -> NDArray[Any]:
    """Return the rows of the images of some folders."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, dataset in enumerate(datasets):
            path = str(Path(folder) / f"{number}.csv")
            cbir.index(str(dataset), path, [spec])
            found.append(open_store(path).snapshot().matrix(spec))
        return np.concatenate(found)


def _drawn(real: NDArray[Any], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return rows that are drawn from real ones, and queries that they were not drawn from."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(real))
    queries, sources = real[order[:TOGETHER]], real[order[TOGETHER:]]
    rows = np.empty((count, real.shape[1]), real.dtype)
    for start in range(0, count, 1 << 14):
        block = rows[start : start + (1 << 14)]
        share = 0.5 * rng.random((len(block), 1)) ** 2
        first, second = sources[rng.integers(0, len(sources), (2, len(block)))]
        block[:] = np.rint((1 - share) * first + share * second)
    return rows, queries


def _numbers(
    metric: str, encoding: Encoding, matrix: NDArray[Any], queries: NDArray[Any], rounds: int
) -> list[object]:
    loop = loop_of(metric, matrix.dtype)
    assert loop is not None
    loop.compile()
    source = FlatIndex(matrix, encoding, METRICS[metric])
    single = encoding.values(matrix, np.float32)
    vector = encoding.values(queries[0], np.float32)
    masks = [None] * len(queries)
    one, product, together = _medians(
        rounds,
        lambda: [top_k(source, query, TOP) for query in queries[:3]],
        lambda: [single @ vector for _ in range(3)],
        lambda: list(top_k_of_each(source, list(queries), TOP, None, masks)),
    )
    one, product, together = one / 3, product / 3, together / len(queries)
    sizes = [matrix.dtype.name, *matrix.shape]
    shown = [round(1000 * one, 1), round(1000 * product, 1), round(one / product, 2)]
    return [metric, *sizes, *shown, round(1000 * together, 2), round(one / together, 1)]


def _hashes(count: int, rounds: int) -> list[object]:
    HAMMING.compile()
    hashes = np.random.default_rng(0).integers(0, 256, (count, 32), np.uint8)
    source = BinaryFlatIndex(hashes)
    (one,) = _medians(rounds, lambda: top_k(source, hashes[0], TOP))
    return ["hamming", "bits", count, 256, round(1000 * one, 1), "", "", "", ""]


def _medians(rounds: int, *works: Callable[[], Any]) -> list[float]:
    """Return the median seconds of each, of several rounds in turn."""
    taken = [[seconds(work) for work in works] for _ in range(rounds + _BEFORE)]
    return [statistics.median(times) for times in zip(*taken[_BEFORE:], strict=True)]


if __name__ == "__main__":
    main()
