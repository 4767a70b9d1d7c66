"""How long the formats of an index take to be written and read whole, and how large they are.

Example::

    python benchmarks/index_formats.py corel1k --rows 10000 --rows 100000

The rows are those of the folder's images by one descriptor, repeated under other names and
contents until there are as many as asked for. Each format is written and read in turn, the caches
of an index left out; the quickest round counts.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from pathlib import Path

import numpy as np
from common import report, seconds
from numpy.typing import NDArray

import cbir
from cbir.stores import open_store
from cbir.stores.csv.csv_format import CsvFormat
from cbir.stores.model import FILE_DTYPE, Rows
from cbir.stores.parquet.parquet_format import ParquetFormat
from cbir.stores.paths import PathList
from cbir.stores.single_file.hashed_file import HashedFile

FORMATS = {"CSV": CsvFormat(), "Parquet": ParquetFormat()}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--descriptor", default="hsv")
    parser.add_argument("--rows", type=int, action="append", help="repeatable")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    table = []
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder) / "index.csv")
        cbir.index(str(options.dataset), index, options.descriptor)
        snapshot = open_store(index).snapshot()
        (entry,) = snapshot.manifest.entries
        for count in options.rows or [10_000, 100_000]:
            matrix = np.resize(snapshot.matrix(entry.alias), (count, entry.width))
            rows = _rows(count, snapshot.rows.facts)
            for name, form in FORMATS.items():
                path = Path(folder) / "measured"
                writing, reading = [], []
                for _ in range(options.rounds):
                    with open(path, "wb") as raw:
                        hashed, matrices = HashedFile(raw), {entry.alias: matrix}

                        def write() -> None:
                            form.write(hashed, rows, [entry], matrices)  # noqa: B023

                        writing.append(seconds(write))
                    reading.append(seconds(lambda: form.read(str(path), [entry])))  # noqa: B023
                size = path.stat().st_size / 1e6
                least = round(min(writing), 2), round(min(reading), 2)
                table.append([count, options.descriptor, entry.width, name, *least, round(size, 1)])
    columns = ["rows", "descriptor", "numbers", "format", "write s", "read s", "MB"]
    report(f"index-formats-{options.dataset.name}", columns, table)


def _rows(count: int, facts: NDArray[np.void]) -> Rows:
    """Return rows of images with the sizes of real ones, each with a content of its own."""
    names = [f"folder-{number // 1000:04}/image-{number:07}.jpg" for number in range(count)]
    made = np.resize(facts, count).astype(FILE_DTYPE)
    digests = b"".join(hashlib.sha256(name.encode()).digest() for name in names)
    made["sha256"] = np.frombuffer(digests, "V32")
    return Rows(PathList.of(names), made)


if __name__ == "__main__":
    main()
