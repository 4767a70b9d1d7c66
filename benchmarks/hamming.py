"""How long all pairs of many hashes within a radius take, by several methods.

Example::

    python benchmarks/hamming.py corel1k --rows 100000 --rows 1000000

The hashes are random ones, and such as photographs have: real hashes of the folder's images are
drawn at random and 15 % of their bits flipped, which keeps how the bits depend on each other, and
1 % are blank images, half of them identical, half with up to eight random bits. Every
measurement is a new process whose kernels were compiled before; the memory is the most that was
resident, with the hashes. faiss is told apart when it is installed; other methods that would take
more than `--limit` comparisons are left out.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from common import report
from numpy.typing import NDArray

import cbir
from cbir.core.threads import cores
from cbir.search.hamming import searches
from cbir.search.hamming.pairs import pairs_within
from cbir.stores import open_store

Hashes = NDArray[np.uint8]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--rows", type=int, action="append", help="repeatable; default 100000")
    parser.add_argument("--radius", type=int, default=31)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=2e10, help="comparisons without an index")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _measure(options.one[0], Path(options.one[1]), options.radius)
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hashes.npy"
        real = _real(options.dataset, folder)
        for count in options.rows or [100_000]:
            for kind, hashes in (("random", _random(count)), ("photographs", _like(real, count))):
                np.save(path, hashes)
                rows += [
                    [method, count, kind, *_rounds(method, path, options)]
                    for method in _methods(count, options.limit)
                ]
    columns = ["method", "hashes", "kind", "median s", "CPU s", "pairs", "peak MB"]
    report(f"hamming-{options.dataset.name}", columns, rows)


def _methods(count: int, limit: float) -> list[str]:
    slow = count * count / 2 <= limit
    slow_faiss = slow and find_spec("faiss")
    return ["cbir", *["scan"] * slow, *(["faiss flat", "faiss multi-hash"] if slow_faiss else [])]


def _rounds(method: str, path: Path, options: argparse.Namespace) -> list[Any]:
    """Return the median seconds, CPU seconds, pairs and memory of new processes."""
    command = [sys.executable, __file__, str(options.dataset), "--radius", str(options.radius)]
    results = []
    for _ in range(options.rounds):
        process = subprocess.run([*command, "--one", method, path], check=True, capture_output=True)
        results.append(json.loads(process.stdout))
    medians = [statistics.median(values) for values in zip(*results, strict=True)]
    return [medians[0], medians[1], int(medians[2]), round(medians[3])]


def _measure(method: str, path: Path, radius: int) -> None:
    """Print what a method takes, once."""
    hashes = np.load(path)
    count = {"cbir": _cbir, "scan": _scan, "faiss flat": _flat, "faiss multi-hash": _multi}[method]
    start, start_cpu = time.perf_counter(), time.process_time()
    pairs = count(hashes, radius)
    taken = [time.perf_counter() - start, time.process_time() - start_cpu]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps([*taken, pairs, memory]))


def _cbir(hashes: Hashes, radius: int) -> int:
    return sum(map(len, pairs_within(hashes, radius)))


def _scan(hashes: Hashes, radius: int) -> int:
    with mock.patch.object(searches, "best_chunks", return_value=0):
        return _cbir(hashes, radius)


def _flat(hashes: Hashes, radius: int) -> int:
    import faiss

    return _by_faiss(faiss.IndexBinaryFlat(hashes.shape[1] * 8), hashes, radius)


def _multi(hashes: Hashes, radius: int) -> int:
    import faiss

    index = faiss.IndexBinaryMultiHash(hashes.shape[1] * 8, 16, 16)
    index.nflip = radius // 16
    return _by_faiss(index, hashes, radius)


def _by_faiss(index: Any, hashes: Hashes, radius: int) -> int:
    import faiss

    faiss.omp_set_num_threads(cores())
    index.add(hashes)
    found = 0
    for start in range(0, len(hashes), 4096):
        block = hashes[start : start + 4096]
        limits, _, rows = index.range_search(block, radius + 1)  # it takes what is below
        queries = np.repeat(np.arange(start, start + len(block)), np.diff(limits.astype(np.int64)))
        found += int((rows > queries).sum())
    return found


def _real(dataset: Path, folder: str) -> Hashes:
    """Return the different hashes of a folder of images."""
    path = str(Path(folder) / "index.csv")
    cbir.index(str(dataset), path, ["phash"])
    rows = open_store(path).snapshot().matrix("phash")
    return np.unique(rows[:, :-1], axis=0)  # the last byte is the quality


def _random(count: int) -> Hashes:
    return np.random.default_rng(0).integers(0, 256, (count, 32), np.uint8)


def _like(real: Hashes, count: int) -> Hashes:
    """Return hashes that resemble real ones, with blanks among them."""
    rng = np.random.default_rng(0)
    hashes = np.concatenate(list(_drawn(real, count, rng)))
    blank = rng.permutation(count)[: count // 100]
    hashes[blank] = 0
    for row in blank[::2]:
        hashes[row] = np.packbits(rng.permutation(256) < rng.integers(1, 9))
    return hashes


def _drawn(real: Hashes, count: int, rng: np.random.Generator) -> Iterator[Hashes]:
    for start in range(0, count, 10_000):
        size = min(10_000, count - start)
        flipped = np.packbits(rng.random((size, 256)) < 0.15, axis=1)
        yield real[rng.integers(0, len(real), size)] ^ flipped


if __name__ == "__main__":
    main()
