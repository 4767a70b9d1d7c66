"""How fast images are hashed, beside imagededup.

Examples::

    python benchmarks/hash_rate.py fashion corel1k
    python benchmarks/hash_rate.py fashion corel1k --peer

The images of all folders are linked into one. A whole ``cbir index`` process makes a new index
of them by two workers; with ``--peer``, so does a process that calls ``encode_images`` of
imagededup's ``PHash``, by two workers too. From both is taken off what the same process takes on a
single image: its start and its imports. Medians of several rounds, in turn; ratio is that of the
first rate to each.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from common import report, run, seconds

from cbir.images.discovery import find_images

WORKERS = 2

_PEER = f"""\
import sys
from imagededup.methods import PHash
if __name__ == "__main__":
    PHash(verbose=False).encode_images(image_dir=sys.argv[1], num_enc_workers={WORKERS})
"""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path, nargs="+")
    parser.add_argument("--descriptor", action="append", help="repeatable; default phash")
    parser.add_argument("--peer", action="store_true", help="measure imagededup too")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    specs = options.descriptor or ["phash"]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        count = _link(options.dataset, work)
        methods = [f"cbir {spec}" for spec in specs]
        if options.peer:
            methods.append(f"imagededup {version('imagededup')} PHash")
        times: dict[str, list[float]] = {method: [] for method in methods}
        starts: dict[str, list[float]] = {method: [] for method in methods}
        for _ in range(options.rounds):
            for method in methods:
                starts[method].append(_seconds(method, work / "one", work))
                times[method].append(_seconds(method, work / "all", work))
    rows = []
    first = None
    for method in methods:
        start = statistics.median(starts[method])
        rate = (count - 1) / (statistics.median(times[method]) - start)
        first = first or rate
        rows.append([method, count, round(rate), round(start, 2), round(first / rate, 2)])
    columns = ["method", "images", "hashed/s", "start s", "ratio"]
    report(f"hash-rate-{'-'.join(dataset.name for dataset in options.dataset)}", columns, rows)


def _link(datasets: list[Path], work: Path) -> int:
    """Link all images into ``all``, and the first one into ``one``; return their number."""
    for name in ("all", "one"):
        (work / name).mkdir()
    files = [dataset / one.path for dataset in datasets for one in find_images(str(dataset))]
    for row, file in enumerate(files):
        (work / "all" / f"{row:07}{file.suffix}").symlink_to(file.resolve())
    (work / "one" / f"0{files[0].suffix}").symlink_to(files[0].resolve())
    return len(files)


def _seconds(method: str, folder: Path, work: Path) -> float:
    library, *_, name = method.split(" ")
    if library == "cbir":
        options = ["--descriptor", name, "--rebuild", "--workers", str(WORKERS)]
        return seconds(lambda: run("index", "-d", folder, "-i", work / "index.csv", *options))
    command = [sys.executable, "-c", _PEER, str(folder)]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True))


if __name__ == "__main__":
    main()
