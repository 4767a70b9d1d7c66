"""What an update of an index takes when a hundred images have come to many.

Example::

    python benchmarks/index_update.py fashion --images 10000 --images 1000000 --cache /var/tmp

The folder's images, but for some that are to come, are linked under other names until there are as
many as asked for. Walk: the files are found, and nothing else. Update: a whole `cbir index` after
100 images have come, spread over the folders; beyond: without the walk. Beside it stands what `cp`
takes for the file of the index. Each is the median of the rounds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from common import report, run, seconds

from cbir.images.discovery import find_images

COMING = 100
"""Images that come between two runs."""

FOLDER = 1000
"""Images of a folder."""

KINDS = ("phash.csv", "hsv.csv", "hsv.parquet")
"""Descriptors, and formats of the index."""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--images", type=int, action="append", help="repeatable")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--cache", type=Path, help="where the tree and the indexes are, for a while"
    )
    options = parser.parse_args()
    table = []
    for count in options.images or [10_000, 100_000]:
        with tempfile.TemporaryDirectory(dir=options.cache) as folder:
            table += _measured(Path(folder), options.dataset, count, options.rounds)
    columns = ["images", "index", "MB", "walk s", "update s", "beyond s", "cp s"]
    report(f"index-update-{options.dataset.name}", columns, table)


def _measured(folder: Path, dataset: Path, count: int, rounds: int) -> list[list[object]]:
    known, coming = _originals(folder / "originals", dataset, COMING * rounds)
    tree, indexes = folder / "tree", {kind: folder / kind for kind in KINDS}
    # What is linked again is known by its content, and so the tree is indexed in less time.
    for start, stop in ((0, min(count, len(known))), (min(count, len(known)), count)):
        for number in range(start, stop):
            _link(known[number % len(known)], tree, number, f"{number % FOLDER:04}")
        for kind, index in indexes.items():
            run("index", tree, "--index", index, *_first(index, kind))
    times: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in KINDS}
    for done in range(rounds):
        for place, source in enumerate(coming[COMING * done : COMING * (done + 1)]):
            _link(source, tree, place * count // COMING, f"new-{done}-{place:02}")
        for kind, index in indexes.items():
            times[kind].append(_times(tree, index, folder / "copy"))
    rows: list[list[object]] = []
    for kind, index in indexes.items():
        walk, update, copying = (median(some) for some in zip(*times[kind], strict=True))
        beyond = median(update - walk for walk, update, _ in times[kind])
        numbers = [round(one, 2) for one in (walk, update, beyond, copying)]
        rows.append([count, kind, round(index.stat().st_size / 1e6, 1), *numbers])
    return rows


def _times(tree: Path, index: Path, copy: Path) -> tuple[float, float, float]:
    """Return the seconds of a walk, of an update and of a copy."""
    walk = seconds(lambda: find_images(str(tree)))
    update = seconds(lambda: run("index", tree, "--index", index))
    return walk, update, seconds(lambda: subprocess.run(["cp", index, copy], check=True))


def _first(index: Path, kind: str) -> list[str]:
    return [] if index.exists() else ["--descriptor", kind.partition(".")[0]]


def _originals(folder: Path, dataset: Path, coming: int) -> tuple[list[Path], list[Path]]:
    """Copy the images of a dataset, so that they can be linked; return those that are to come."""
    folder.mkdir()
    copies = []
    for number, found in enumerate(find_images(str(dataset))):
        copies.append(folder / f"{number:06}{Path(found.path).suffix}")
        shutil.copy2(dataset / found.path, copies[-1])
    return copies[coming:], copies[:coming]


def _link(source: Path, tree: Path, number: int, name: str) -> None:
    folder = tree / f"{number // FOLDER:04}"
    folder.mkdir(parents=True, exist_ok=True)
    os.link(source, folder / f"{name}{source.suffix}")


if __name__ == "__main__":
    main()
