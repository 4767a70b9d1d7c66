"""How much memory and time indexing takes, for more and more images.

Example::

    python benchmarks/index_memory.py corel1k --images 1000 --images 10000

The folder's images are linked under other names until there are as many as asked for. Beside
the peak of the process stands what its rows take, and the growth beyond them. Seconds are those of
the whole process; ms/image: from the least number of images on, so without what starting takes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import report

import cbir
from cbir.images.discovery import find_images


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--images", type=int, action="append", help="repeatable")
    options = parser.parse_args()
    rows: list[list[float]] = []
    counts = sorted(options.images or [1000, 4000, 16_000])
    for count in counts:
        peak, row_bytes, took = _measure(options.dataset, count)
        features = count * row_bytes / 1e6
        first, start = (rows[0][0], rows[0][1]) if rows else (0, 0.0)
        each = 1000 * (took - start) / (count - first)
        sizes = [round(peak), round(features, 1), round(peak - features)]
        rows.append([count, round(took, 2), round(each, 3), *sizes])
    columns = ["images", "seconds", "ms/image", "peak MB", "features MB", "beyond them MB"]
    report(f"index-memory-{options.dataset.name}", columns, rows)


def _measure(dataset: Path, count: int) -> tuple[float, int, float]:
    found = find_images(str(dataset))
    with tempfile.TemporaryDirectory() as folder:
        links = Path(folder) / "links"
        links.mkdir()
        for number in range(count):
            source = dataset / found[number % len(found)].path
            (links / f"{number:07}{source.suffix}").symlink_to(source.resolve())
        index = Path(folder) / "index.csv"
        code = (
            "import resource, sys, cbir; cbir.index(*sys.argv[1:3]);"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        command = [sys.executable, "-c", code, os.fspath(links), os.fspath(index)]
        start = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        took = time.perf_counter() - start
        vectors = cbir.open(str(index)).vectors()
        return int(done.stdout) * _RSS_UNIT / 1e6, vectors.shape[1] * vectors.itemsize, took


_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in what :func:`resource.getrusage` counts."""


if __name__ == "__main__":
    main()
