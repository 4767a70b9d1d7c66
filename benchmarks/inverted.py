"""How an inverted file of local features grows: its size, its making, its memory and its searches.

Example::

    python benchmarks/inverted.py --images 1000 --images 10000 --images 100000

The codes are made up: words are drawn with frequencies that fall with the power 0.4 of their rank,
as uneven as those of clustered features, and signatures are random bits. A query has 1,000 features
of which each is assigned to four words. Each number of images is measured in a new process that
uses one core, by the time that this core was at work, after the kernels were compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from common import report

from cbir.descriptors.encoders.sparse_code import SignatureKernel, SparseCode
from cbir.search.inverted import inverted_source
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.inverted_source import InvertedSource

_QUERY_FEATURES = 1000
_ASSIGNED = 4
_QUERIES = 7
_POWER = 0.4

COLUMNS = (
    "images",
    "words",
    "bytes/image",
    "build s",
    "of it codes s",
    "peak MB",
    "segments",
    "open and check ms",
    "query ms",
    "postings/query",
)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, action="append", help="repeatable; default 1000")
    parser.add_argument("--words", type=int, default=65_536)
    parser.add_argument("--entries", type=int, default=700, help="of an image's code")
    parser.add_argument("--bits", type=int, default=128, help="of a signature")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _measure(int(options.one[0]), Path(options.one[1]), Codes(options))
        return
    rows = []
    sizes = [f"--{name}={getattr(options, name)}" for name in ("words", "entries", "bits")]
    for count in options.images or [1000]:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, *sizes, "--one", str(count), folder]
            rows.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    report(f"inverted-{options.words}", COLUMNS, rows)


class Codes:
    """Codes as local features have them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.entries, self.words, self.bits = options.entries, options.words, options.bits
        frequencies = np.arange(1, self.words + 1) ** -_POWER
        rng = np.random.default_rng(0)
        self._reach = np.cumsum(rng.permutation(frequencies / frequencies.sum()))
        self.seconds = 0.0

    @property
    def kernel(self) -> SignatureKernel:
        """What compares them."""
        return SignatureKernel(np.full(self.words, 2, np.float32), self.bits)

    def of(self, key: bytes, entries: int | None = None) -> SparseCode:
        """Return the code of an image."""
        start = time.process_time()
        rng = np.random.default_rng(int.from_bytes(key, "little"))
        drawn = np.searchsorted(self._reach[:-1], rng.random(entries or self.entries))
        words = np.unique(drawn).astype(np.uint32)
        payloads = np.frombuffer(rng.bytes(len(words) * self.bits // 8), np.uint8)
        self.seconds += time.process_time() - start
        return SparseCode(words, payloads.reshape(len(words), -1))


class MemoryWatch:
    """Looks at the memory of this process all the time; pages of mapped files are not in it."""

    def __init__(self) -> None:
        self.peak = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            status = Path("/proc/self/status").read_text()
            self.peak = max(self.peak, 1024 * int(status.split("RssAnon:")[1].split()[0]))
            time.sleep(0.005)


def _measure(count: int, folder: Path, codes: Codes) -> None:
    """Print what one number of images takes."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    keys = np.random.default_rng(1).integers(0, 256, (count, 32), np.uint8)
    inverted = InvertedFile([folder], codes.kernel, "made up")
    watch = MemoryWatch()
    _, build = _timed(lambda: inverted.update(keys, codes.of))
    peak = watch.peak / 1e6
    size = sum(path.stat().st_size for path in folder.iterdir()) / count
    inverted, opened = _timed(lambda: InvertedFile([folder], codes.kernel, "made up"))
    source = InvertedSource(inverted, codes.kernel, keys)
    queries = [codes.of(b"%d" % i, _QUERY_FEATURES * _ASSIGNED) for i in range(_QUERIES)]
    postings = [
        sum(one.lists(code.words).postings for one in inverted.segments) for code in queries
    ]
    with mock.patch.multiple(inverted_source, _WORTH_NUMBA=-1, _WORTH_COMPILING=-1):
        source.estimate(queries[0])
        taken = [_timed(lambda code=code: source.estimate(code))[1] for code in queries[1:]]
    row = [count, codes.words, round(size), build, codes.seconds, round(peak)]
    row += [len(inverted.segments), 1000 * opened, 1000 * statistics.median(taken)]
    print(json.dumps([*row, round(statistics.mean(postings))]))


def _timed(work: Any) -> tuple[Any, float]:
    """Return what work returns, and the seconds that it kept the core busy."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


if __name__ == "__main__":
    main()
