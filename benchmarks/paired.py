"""How long the commands of one version take beside those of another, in turn in one run.

Example::

    python benchmarks/paired.py old/bin/python new/bin/python corel1k fashion

The first two arguments are Python interpreters with one version of cbir each. Every round runs
each command by both, so that what else the machine does falls on both; told are the medians, and
the median of the ratios of the rounds, which is above 1 where the second version is slower, with
their range; and the ratio of the shortest times, which are least disturbed.
`index` and `search` work on the first folder, `search, large` on an index of it with 50 links to
each image, `duplicates` on the first thousand images of the second, and on two hundred of them
that have a copy each.
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
LINKS = 50
"""Names that each image of the first folder has in the one that the larger index is of."""


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
        many, few, copies = (Path(folder) / name for name in ("many", "few", "copies"))
        _link_often(options.dataset, many)
        versions = [
            Version(python, Path(folder) / name, options.dataset, many)
            for python, name in ((options.before, "before"), (options.now, "now"))
        ]
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

    def __init__(self, python: Path, folder: Path, dataset: Path, many: Path) -> None:
        self._python = str(python.absolute())
        self._folder = folder
        folder.mkdir()
        self.run("index", "-d", str(dataset.absolute()), "-i", "small.csv")
        self.run("index", "-d", str(many), "-i", "large.csv")

    def run(self, *arguments: str) -> None:
        """Run ``cbir …`` in a new process, in the folder of this version."""
        command = [self._python, "-m", "cbir", *arguments]
        environment = {**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": ""}
        done = subprocess.run(
            command, cwd=self._folder, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{' '.join(command[:4])}: {done.stderr}")


def _link_often(source: Path, target: Path) -> None:
    """Give each image a copy in another folder, with many names."""
    for number, path in enumerate(sorted(source.rglob("*.jpg"))):
        folder = target / str(number)
        folder.mkdir(parents=True)
        first = shutil.copyfile(path, folder / "0.jpg")
        for link in range(1, LINKS):
            os.link(first, folder / f"{link}.jpg")


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
        "search, large": [*search, "large.csv"],
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
        "edited, copies": ["duplicates", "-d", str(copies), "--level", "edited"],
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
