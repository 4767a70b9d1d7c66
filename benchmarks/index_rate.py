"""How fast images are indexed, beside merely reading, hashing and decoding them.

Example::

    python benchmarks/index_rate.py corel1k ferrari

For each folder: the rate at which threads read the images, compute their SHA-256, decode them to
the descriptor's working size and do nothing else; the rate of ``cbir.index`` from the walk to the
commit; that of a whole ``cbir index`` process, its start included; and that of what tutorials do
(:mod:`tutorial`), in this program, and how many times as fast ``cbir.index`` is. Folders of fewer
images than ``--least`` are repeated by links. Medians of several rounds, in turn.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import tutorial
from common import report, run, seconds

import cbir
from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.descriptors.registry import parse
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage
from cbir.images.opencv_decoder import decode_with_opencv, jpeg_reduction
from cbir.images.pixels import fitted_size, resized

COLUMNS = (
    "dataset", "descriptor", "images", "decode/s", "index/s", "ratio", "process/s", "tutorial/s",
    "times",
)  # fmt: skip

Times = dict[str, list[float]]
"""Seconds of each round, by what was done."""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path, nargs="+")
    parser.add_argument("--descriptor", action="append", help="repeatable; default hsv")
    parser.add_argument("--least", type=int, default=0, help="images of each folder")
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rows = []
    for dataset in options.dataset:
        with tempfile.TemporaryDirectory() as folder:
            repeated = _repeated(dataset, options.least, Path(folder))
            paths = [str(repeated / found.path) for found in find_images(str(repeated))]
            for spec in options.descriptor or ["hsv"]:
                times = _measure(repeated, paths, spec, options.workers, options.rounds)
                rows.append(_row(dataset.name, spec, len(paths), times))
                print(rows[-1], flush=True)
    report(f"index-rate-{'-'.join(dataset.name for dataset in options.dataset)}", COLUMNS, rows)


def _repeated(dataset: Path, least: int, folder: Path) -> Path:
    """Return the folder itself, or one with its images under several names each."""
    files = [(dataset / found.path).resolve() for found in find_images(str(dataset))]
    if len(files) >= least:
        return dataset
    for number in range(least):
        source = files[number % len(files)]
        (folder / f"{number:07}{source.suffix}").symlink_to(source)
    return folder


def _measure(dataset: Path, paths: list[str], spec: str, workers: int, rounds: int) -> Times:
    decode = _bare_decoder(paths, parse(spec).descriptor.working_size)
    times: Times = {"decode": [], "index": [], "process": [], "tutorial": []}
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder) / "index.csv")
        command = ["index", "-d", str(dataset), "-i", index, "--descriptor", spec]
        command += ["--rebuild", "--workers", str(workers)]

        def decode_all() -> None:
            with one_thread_each():
                for _ in ordered_map(decode, paths, workers):
                    pass

        def index_all() -> None:
            cbir.index(str(dataset), index, [spec], workers=workers, rebuild=True)

        for _ in range(rounds):
            times["decode"].append(seconds(decode_all))
            times["index"].append(seconds(index_all))
            times["process"].append(seconds(lambda: run(*command)))
            times["tutorial"].append(seconds(lambda: tutorial.index(paths, Path(folder) / "t.csv")))
    return times


def _row(name: str, spec: str, count: int, times: Times) -> list[object]:
    rates = {key: round(count / statistics.median(values)) for key, values in times.items()}
    ratio, faster = (
        round(statistics.median(b / i for b, i in zip(other, times["index"], strict=True)), 2)
        for other in (times["decode"], times["tutorial"])
    )
    bare, full, process, script = rates.values()
    return [name, spec, count, bare, full, ratio, process, script, faster]


def _bare_decoder(paths: list[str], size: int | None) -> Callable[[str], None]:
    """Return what reads, hashes and decodes a file to `size`, knowing its header beforehand."""
    plans = {}
    for path in paths:
        header = EncodedImage.open(path).header
        width, height = header.width, header.height
        reduction = jpeg_reduction(max(width, height), size)
        plans[path] = (reduction, fitted_size(width, height, size) if size else None)

    def decode(path: str) -> None:
        reduction, fitted = plans[path]
        with open(path, "rb") as file:
            data = file.read()
        hashlib.sha256(data).digest()
        pixels = decode_with_opencv(data, reduction)
        if fitted and pixels is not None:
            resized(pixels, fitted)

    return decode


if __name__ == "__main__":
    main()
