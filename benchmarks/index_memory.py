"""How much memory indexing takes at most, for more and more images.

Example::

    python benchmarks/index_memory.py corel1k --images 1000 --images 10000

The folder's images are linked under other names until there are as many as asked for. Beside
the peak of the process stands what its rows take, and the growth beyond them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
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
    rows = []
    for count in options.images or [1000, 4000, 16_000]:
        peak, row_bytes = _measure(options.dataset, count)
        features = count * row_bytes / 1e6
        rows.append([count, round(peak), round(features, 1), round(peak - features)])
    columns = ["images", "peak MB", "features MB", "beyond them MB"]
    report(f"index-memory-{options.dataset.name}", columns, rows)


def _measure(dataset: Path, count: int) -> tuple[float, int]:
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
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        vectors = cbir.open(str(index)).vectors()
        return int(done.stdout) * _RSS_UNIT / 1e6, vectors.shape[1] * vectors.itemsize


_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in what :func:`resource.getrusage` counts."""


if __name__ == "__main__":
    main()
