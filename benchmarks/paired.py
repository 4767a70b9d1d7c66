"""How long the commands of one version take beside those of another, in turn in one run.

Example::

    python benchmarks/paired.py old/bin/python new/bin/python corel1k fashion

The first two arguments are Python interpreters with one version of cbir each. Every round runs
each command by both, so that what else the machine does falls on both; told are the medians, and
the median of the ratios of the rounds, which is above 1 where the second version is slower, with
their range; and the ratio of the shortest times, which are least disturbed.
`index` and `search` work on the first folder, `duplicates` on the first thousand images of the
second, and on two hundred of them that have a copy each.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from common import report, seconds
from PIL import Image

IMAGES = 1000
ROWS = 50_000

LARGE = f"""
from search_latency import _repeat
from cbir.stores import open_store
_repeat(open_store("small.csv").snapshot(), "large.csv", {ROWS})
"""
"""What makes an index of many rows of a small one, by the version that is to search it."""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("before", type=Path, help="a Python interpreter with the older cbir")
    parser.add_argument("now", type=Path, help="a Python interpreter with the newer cbir")
    parser.add_argument("dataset", type=Path, help="images to index and to search")
    parser.add_argument("copies", type=Path, help="images to find duplicates among")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", action="append", help="a command's name; repeatable")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        versions = [
            Version(python, Path(folder) / name, options.dataset)
            for python, name in ((options.before, "before"), (options.now, "now"))
        ]
        few, copies = Path(folder) / "few", Path(folder) / "copies"
        _copy_some(options.copies, few)
        _recompress_some(few, copies)
        commands = _commands(options.dataset.absolute(), few, copies)
        rows = [
            _row(name, command, versions, options.rounds)
            for name, command in commands.items()
            if not options.only or name in options.only
        ]
    columns = ["command", "before s", "now s", "ratio", "from", "to", "ratio of the least"]
    report(f"paired-{options.dataset.name}-{options.copies.name}", columns, rows)


class Version:
    """One installed version, and a folder with indexes that it made."""

    def __init__(self, python: Path, folder: Path, dataset: Path) -> None:
        self._python = str(python.absolute())
        self._folder = folder
        folder.mkdir()
        self.run("index", "-d", str(dataset.absolute()), "-i", "small.csv")
        self._start("-c", LARGE)

    def run(self, *arguments: str) -> None:
        """Run ``cbir …`` in a new process, in the folder of this version."""
        self._start("-m", "cbir", *arguments)

    def _start(self, *arguments: str) -> None:
        benchmarks = str(Path(__file__).parent.absolute())
        environment = {**os.environ, "PYTHONPATH": benchmarks, "PYTHONDONTWRITEBYTECODE": ""}
        done = subprocess.run(
            [self._python, *arguments],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"{self._python} {' '.join(arguments[:3])}: {done.stderr}")


def _copy_some(source: Path, target: Path) -> None:
    target.mkdir()
    for number, path in enumerate(sorted(source.rglob("*.jpg"))[:IMAGES]):
        shutil.copyfile(path, target / f"{number:04}-{path.name}")


def _recompress_some(source: Path, target: Path) -> None:
    """Put every fifth image into another folder, with a copy of poorer quality."""
    target.mkdir()
    for path in sorted(source.iterdir())[::5]:
        shutil.copyfile(path, target / path.name)
        with Image.open(path) as image:
            image.save(target / f"{path.stem} small.jpg", quality=60)


def _commands(dataset: Path, few: Path, copies: Path) -> dict[str, list[str]]:
    query = str(next(dataset.rglob("*.jpg")))
    search = ["search", "--no-montage", "-q", query, "-i"]
    return {
        "start": ["--version"],
        "search": [*search, "small.csv"],
        f"search {ROWS}": [*search, "large.csv"],
        "info": ["info", "small.csv"],
        "index": ["index", "-d", str(dataset), "-i", "new.csv", "--rebuild"],
        "index again": ["index", "-d", str(dataset), "-i", "small.csv"],
        "index balanced": [
            *["index", "-d", str(dataset), "-i", "balanced.csv", "--rebuild"],
            *["--preset", "balanced"],
        ],
        "exact": ["duplicates", "-d", str(few), "--level", "exact"],
        "near": ["duplicates", "-d", str(few)],
        "near, copies": ["duplicates", "-d", str(copies)],
    }


def _row(name: str, command: list[str], versions: list[Version], rounds: int) -> list[object]:
    for version in versions:
        version.run(*command)
    times = [
        [seconds(partial(version.run, *command)) for version in versions] for _ in range(rounds)
    ]
    before, now = (statistics.median(column) for column in zip(*times, strict=True))
    ratios = sorted(new / old for old, new in times)
    least = [min(column) for column in zip(*times, strict=True)]
    cells = [before, now, statistics.median(ratios), ratios[0], ratios[-1], least[1] / least[0]]
    row = [name, *(round(cell, 2) for cell in cells)]
    print(*row, file=sys.stderr)
    return row


if __name__ == "__main__":
    main()
