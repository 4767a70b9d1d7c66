"""What indexing waits for: a slow disk, a slow descriptor.

Example::

    python benchmarks/index_waiting.py corel1k

Slow disk: every file takes some more milliseconds to be read, as over a network; the program has
the reading threads sleep for them. `hidden` is the share of that time during which something else
was done: 0 where each thread waits for each of its files, 1 where nothing takes longer. `reads at
once` is how many files would have to be read at any moment for the rate that was reached.

Slow descriptor: seconds by a quick descriptor, by a slow one, and by both in one run; `over` is
what both take beyond the slow one, over what the quick one takes alone. Medians of several rounds,
in turn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from common import report, seconds

import cbir
from cbir.core.regular_files import read_regular
from cbir.core.threads import cores
from cbir.images import encoded_image
from cbir.images.discovery import find_images

DISK = ("descriptor", "images", "ms a read", "s", "s without", "hidden", "reads at once")
MIXED = ("quick", "slow", "images", "quick s", "slow s", "both s", "over")


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--descriptor", default="hsv")
    parser.add_argument("--slow", default="haralick")
    parser.add_argument("--milliseconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    quick, slow = options.descriptor, options.slow
    count = len(find_images(str(options.dataset)))
    work = {
        "none": lambda: _index(options.dataset, [quick]),
        "disk": lambda: _from_slow_disk(options.dataset, quick, options.milliseconds / 1000),
        "slow": lambda: _index(options.dataset, [slow]),
        "both": lambda: _index(options.dataset, [quick, slow]),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(options.rounds):
        for name, one in work.items():
            times[name].append(seconds(one))
    none, disk, slow_s, both = (statistics.median(values) for values in times.values())
    waits = count * options.milliseconds / 1000
    hidden = 1 - (disk - none) / (waits / cores())
    disk_row = [quick, count, options.milliseconds, disk, none, hidden, waits / disk]
    mixed_row = [quick, slow, count, none, slow_s, both, (both - slow_s) / none]
    name = options.dataset.name
    report(f"index-slow-disk-{name}", DISK, [_rounded(disk_row)])
    report(f"index-slow-descriptor-{name}", MIXED, [_rounded(mixed_row)])


def _index(dataset: Path, descriptors: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cbir.index(str(dataset), str(Path(folder) / "index.csv"), descriptors)


def _from_slow_disk(dataset: Path, descriptor: str, delay: float) -> None:
    def read(path: str, limit: int) -> bytes:
        time.sleep(delay)
        return read_regular(path, limit)

    with mock.patch.object(encoded_image, "read_regular", read):
        _index(dataset, [descriptor])


def _rounded(row: Sequence[object]) -> list[object]:
    return [round(cell, 2) if isinstance(cell, float) else cell for cell in row]


if __name__ == "__main__":
    main()
