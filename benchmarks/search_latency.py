"""How long a whole ``search --no-montage`` process takes, on a folder and on many rows.

Example::

    python benchmarks/search_latency.py corel1k --rows 100000 --rows 1000000

The index of the folder is searched as it is, and again with its real rows repeated under other
names until there are as many as asked for. The first call is told apart from the later ones; of
those, the median, and the most memory that was resident, also without the bytes of the columns
that are compared. Beside it, what a single search takes inside a running program, and what a
process takes that only imports what every search needs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import report, seconds

import cbir
from cbir.stores import open_store
from cbir.stores.model import Rows, Snapshot
from cbir.stores.paths import PathList

_PAUSE = 0.2
"""Seconds between two processes."""

_NO_BYTE_CODE = "PYTHONDONTWRITEBYTECODE"
"""With this variable, all modules would be compiled anew in each process."""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--rows", type=int, action="append", help="repeatable; default 50000")
    parser.add_argument("--descriptor", default="hsv")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        small = str(Path(folder) / "small.csv")
        cbir.index(str(options.dataset), small, [options.descriptor])
        query = options.dataset / cbir.open(small).paths[0]
        rows.append(_measure(small, query, options.rounds))
        for count in options.rows or [50_000]:
            large = str(Path(folder) / f"large-{count}.csv")
            repeat(open_store(small).snapshot(), large, count)
            rows.append(_measure(large, query, options.rounds))
    columns = ["rows", "descriptor", "first s", "later s", "start s", "peak MB", "without columns"]
    columns.append("in a program ms")
    report(f"search-latency-{options.dataset.name}", columns, rows)


def repeat(snapshot: Snapshot, path: str, count: int) -> None:
    """Write an index of `count` rows that repeats those of `snapshot`."""
    source = np.arange(count) % len(snapshot.rows)
    paths = PathList.of(f"{row:09}/{snapshot.rows.paths[int(i)]}" for row, i in enumerate(source))
    rows = Rows(paths, snapshot.rows.facts[source])
    matrices = {
        entry.alias: snapshot.matrix(entry.alias)[source] for entry in snapshot.manifest.entries
    }
    with open_store(path).writer() as writer:
        writer.commit(snapshot.manifest, rows, matrices)


def _measure(index: str, query: Path, rounds: int) -> list[object]:
    command = ["search", "--no-montage", "-i", index, "-q", str(query)]
    times, peaks, starts = [], [], []
    for _ in range(rounds + 1):
        taken, peak = _process("import cbir.cli; cbir.cli.main()", *command)
        times.append(taken)
        peaks.append(peak)
        starts.append(_process("import cv2, numpy, click")[0])
        time.sleep(_PAUSE)  # a loop that the first call needed is compiled meanwhile
    opened = cbir.open(index)
    opened.search(query)
    inside = [seconds(lambda: opened.search(query)) for _ in range(rounds)]
    peak = statistics.median(peaks[1:])
    return [
        len(opened),
        opened.descriptors[0],
        round(times[0], 3),
        round(statistics.median(times[1:]), 3),
        round(statistics.median(starts), 3),
        round(peak),
        round(peak - opened.vectors().nbytes / 1e6),
        round(1000 * statistics.median(inside), 2),
    ]


def _process(code: str, *arguments: str) -> tuple[float, float]:
    """Return how long a Python process takes, and its peak in megabytes."""
    # The system would count the memory of the process that starts it, too.
    tell = "import sys; print(open('/proc/self/status').read(), file=sys.stderr)"
    command = [sys.executable, "-c", f"try:\n {code}\nfinally:\n {tell}"]
    kept = {name: value for name, value in os.environ.items() if name != _NO_BYTE_CODE}
    start = time.perf_counter()
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=kept)
    taken = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(done.stderr)
    return taken, int(done.stderr.partition("VmHWM:")[2].split()[0]) / 1000


if __name__ == "__main__":
    main()
