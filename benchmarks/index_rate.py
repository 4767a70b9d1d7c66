"""How fast images are indexed, beside merely reading, hashing and decoding them.

Example::

    python benchmarks/index_rate.py corel1k ferrari

For each folder: the rate at which threads read the images, compute their SHA-256, decode them to
the descriptor's working size and do nothing else; the rate of ``cbir.index`` from the walk to the
commit; and that of a whole ``cbir index`` process, its start included. Medians of several rounds,
in turn.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from common import report, run, seconds

import cbir
from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.descriptors.registry import parse
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage
from cbir.images.opencv_decoder import decode_with_opencv, jpeg_reduction
from cbir.images.pixels import fitted_size, resized

Times = dict[str, list[float]]
"""Seconds of each round, by what was done."""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path, nargs="+")
    parser.add_argument("--descriptor", default="hsv")
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    counts: list[int] = []
    times: list[Times] = []
    for dataset in options.dataset:
        paths = [str(dataset / found.path) for found in find_images(str(dataset))]
        counts.append(len(paths))
        times.append(_measure(dataset, paths, options.descriptor, options.workers, options.rounds))
    names = [dataset.name for dataset in options.dataset]
    rows = [
        _row(name, options.descriptor, count, of_one)
        for name, count, of_one in zip(names, counts, times, strict=True)
    ]
    if len(rows) > 1:
        together = {
            key: [float(sum(round_)) for round_ in zip(*(one[key] for one in times), strict=True)]
            for key in times[0]
        }
        rows.append(_row("together", options.descriptor, sum(counts), together))
    columns = ["dataset", "descriptor", "images", "decode/s", "index/s", "ratio", "process/s"]
    report(f"index-rate-{'-'.join(names)}", columns, rows)


def _measure(dataset: Path, paths: list[str], spec: str, workers: int, rounds: int) -> Times:
    decode = _bare_decoder(paths, parse(spec).descriptor.working_size)
    times: Times = {"decode": [], "index": [], "process": []}
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
    return times


def _row(name: str, spec: str, count: int, times: Times) -> list[object]:
    rates = {key: round(count / statistics.median(values)) for key, values in times.items()}
    pairs = zip(times["decode"], times["index"], strict=True)
    ratio = round(statistics.median(bare / full for bare, full in pairs), 2)
    return [name, spec, count, rates["decode"], rates["index"], ratio, rates["process"]]


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
