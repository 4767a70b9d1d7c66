"""How the time of ``cbir duplicates --level edited`` grows with the number of images.

Example::

    python benchmarks/duplicates_scale.py corel1k fashion background --sizes 1000 3000 10000

Images are taken at random from the folders, and the whole command is timed, from an empty index.
Where the folders hold too few for the largest size, edited copies (see `edits.py`) make up the
rest, in the same share at each size.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import report
from duplicates import link_folders
from edits import EDITS, make_copies

from cbir.images.discovery import find_images


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 3000, 10_000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--level", default="edited")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        pool = _pool(options.folder, Path(work), max(options.sizes), options.seed)
        rows: list[tuple[int, float, float, int, float | None]] = []
        for size in sorted(options.sizes):
            elapsed, groups = _run(pool[:size], Path(work, str(size)), options.level)
            before = rows[-1] if rows else None
            exponent = np.log(elapsed / before[1]) / np.log(size / before[0]) if before else None
            rows.append((size, elapsed, 1000 * elapsed / size, groups, exponent))
    whole = np.log(rows[-1][1] / rows[0][1]) / np.log(rows[-1][0] / rows[0][0])
    columns = ["images", "seconds", "ms an image", "groups", "exponent since the last size"]
    report(f"duplicates-scale-{options.level}", columns, rows)
    print(f"exponent from the smallest to the largest: {whole:.2f}")


def _pool(folders: list[Path], work: Path, wanted: int, seed: int) -> list[Path]:
    """Return files in random order, as many as are wanted."""
    root, copies_root = work / "pool", work / "copies"
    link_folders(folders, root)
    rng = np.random.default_rng(seed)
    paths = [one.path for one in find_images(str(root))]
    files = [(root / path).resolve() for path in paths]
    lacking = wanted - len(files)
    names = list(EDITS)
    for round_ in range(-(-max(lacking, 0) // len(files))):
        some = [paths[i] for i in rng.permutation(len(paths))[: lacking - round_ * len(files)]]
        for number, edit in enumerate(names):
            originals = some[number :: len(names)]
            if originals:
                out = copies_root / str(round_)
                made = make_copies(root, out, [edit], seed, originals, files[:50])
                files += [out / copy for copy, _, _ in made]
    return [files[i] for i in rng.permutation(len(files))[:wanted]]


def _run(files: list[Path], folder: Path, level: str) -> tuple[float, int]:
    folder.mkdir()
    for number, file in enumerate(files):
        (folder / f"{number:06}{file.suffix}").symlink_to(file)
    command = [sys.executable, "-m", "cbir", "duplicates", "--dataset", str(folder)]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "--level", level, "--format", "jsonl"], check=True, capture_output=True
    )
    return time.perf_counter() - start, done.stdout.count(b"\n")


if __name__ == "__main__":
    main()
