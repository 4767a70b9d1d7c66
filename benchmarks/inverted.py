"""How an index of local features grows: its size, its making, its memory and its searches.

Example::

    python benchmarks/inverted.py holidays clothing --images 1000 --images 10000

Features are those of random crops of real images, described by `asmk` with the vocabulary of the
package. Where there are to be more images than crops, the codes of the others are drawn from the
entries of all crops, as many as one of them has: the words are as frequent as they are, but appear
together by chance. Queries are other crops. Each number of images is measured in a new process
that uses one core, by the time that this core was at work, after the kernels were compiled.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
from common import report

from cbir.core.threads import one_thread_each
from cbir.descriptors.encoders.local_descriptor import LocalDescriptor
from cbir.descriptors.encoders.sparse_code import SparseCode
from cbir.descriptors.registry import parse
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import Pixels
from cbir.search.inverted import inverted_source
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.inverted_source import InvertedSource

_QUERIES = 9
_SMALLEST_SIDE = 0.6
"""Of a crop, as a share of the image's."""

COLUMNS = (
    "images",
    "of them crops",
    "bytes/image",
    "build s",
    "of it codes s",
    "peak MB",
    "segments",
    "open and check ms",
    "query ms",
    "postings/query",
)

DESCRIBED = ("crops", "features", "bytes of features", "decode ms", "extract ms", "encode ms", "ms")


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--images", type=int, action="append", help="repeatable; default 1000")
    parser.add_argument("--crops", type=int, default=2000, help="of images, at most")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if options.one:
        count, folder, pool = options.one
        _measure(int(count), Path(folder), Pool(Path(pool)))
        return
    if not options.folders:
        parser.error("name folders of images")
    rows = []
    with tempfile.TemporaryDirectory() as pool:
        described = _describe(options.folders, options.crops, Path(pool))
        for count in options.images or [1000]:
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, __file__, "--one", str(count), folder, pool]
                output = subprocess.run(command, check=True, capture_output=True).stdout
                rows.append(json.loads(output))
                print(rows[-1], flush=True)
    report("local-features", DESCRIBED, [described])
    report("inverted", COLUMNS, rows)


def _descriptor() -> LocalDescriptor:
    descriptor = parse("asmk").descriptor
    assert isinstance(descriptor, LocalDescriptor)
    vocabulary = descriptor.shipped()
    assert vocabulary is not None
    return descriptor.bind(vocabulary)


def _crops(folders: list[Path]) -> Iterator[tuple[Pixels, float]]:
    """Yield crops of all images again and again, and the milliseconds of a core to decode each."""
    paths = [str(folder / file.path) for folder in folders for file in find_images(str(folder))]
    working_size = parse("asmk").descriptor.working_size
    rng = np.random.default_rng(0)
    while True:
        for place in rng.permutation(len(paths)).tolist():
            start = time.process_time()
            image = EncodedImage.open(paths[place]).pixels(working_size)
            decoding = 1000 * (time.process_time() - start)
            sides = np.array(image.shape[:2])
            height, width = (sides * rng.uniform(_SMALLEST_SIDE, 1, 2)).astype(int).tolist()
            top, left = rng.integers(0, sides - [height, width] + 1).tolist()
            yield np.ascontiguousarray(image[top : top + height, left : left + width]), decoding


def _describe(folders: list[Path], count: int, pool: Path) -> list[Any]:
    """Keep the codes of crops in a folder; return what describing them took."""
    descriptor = _descriptor()
    extractor = descriptor.extractor
    codes: list[SparseCode] = []
    spent: list[list[float]] = []
    sizes: list[tuple[int, int]] = []
    crops = _crops(folders)
    with one_thread_each():
        cv2.setNumThreads(1)
        for _ in range(count):
            image, decoding = next(crops)
            start = time.process_time()
            features = extractor.extract(image)
            extracted = time.process_time()
            record = extractor.as_record(features)
            codes.append(descriptor.encode(features))
            encoded = time.process_time()
            spent.append([decoding, 1000 * (extracted - start), 1000 * (encoded - extracted)])
            sizes.append((len(features), sum(array.nbytes for array in record.values())))
        queries = [
            descriptor.encode_query(extractor.extract(next(crops)[0])) for _ in range(_QUERIES)
        ]
    for name, some in (("codes", codes), ("queries", queries)):
        np.savez(
            pool / f"{name}.npz",
            starts=np.cumsum([0, *(len(code.words) for code in some)]),
            words=np.concatenate([code.words for code in some]),
            payloads=np.concatenate([code.payloads for code in some]),
        )
    features_and_bytes = [round(statistics.mean(one)) for one in zip(*sizes, strict=True)]
    parts = [round(statistics.mean(one), 1) for one in zip(*spent, strict=True)]
    return [count, *features_and_bytes, *parts, round(sum(parts), 1)]


class Pool:
    """Codes of crops, and others that are drawn from their entries.

    Parameters
    ----------
    folder : Path
        What the crops were described into.
    """

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "codes.npz") as file:
            self._starts, self._words, self._payloads = (
                file[name] for name in ("starts", "words", "payloads")
            )
        with np.load(folder / "queries.npz") as file:
            starts = file["starts"].tolist()
            self.queries = [
                SparseCode(file["words"][first:last], file["payloads"][first:last])
                for first, last in itertools.pairwise(starts)
            ]
        self.crops = len(self._starts) - 1
        self.seconds = 0.0

    def of(self, key: bytes) -> SparseCode:
        """Return the code of an image, whose number is its key."""
        start = time.process_time()
        number = int.from_bytes(key, "little")
        first, last = self._starts[number % self.crops : number % self.crops + 2].tolist()
        places = np.arange(first, last)
        if number >= self.crops:
            drawn = np.random.default_rng(number).integers(0, len(self._words), last - first)
            places = drawn[np.unique(self._words[drawn], return_index=True)[1]]
        code = SparseCode(self._words[places], self._payloads[places])
        self.seconds += time.process_time() - start
        return code


class MemoryWatch:
    """Looks at the memory of this process all the time; pages of mapped files are not in it."""

    def __init__(self) -> None:
        self.peak = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            status = Path("/proc/self/status").read_text()
            self.peak = max(self.peak, 1024 * int(status.split("RssAnon:")[1].split()[0]))
            time.sleep(0.005)


def _measure(count: int, folder: Path, pool: Pool) -> None:
    """Print what one number of images takes."""
    kernel = _descriptor().kernel("cosine")
    keys = np.zeros((count, 32), np.uint8)
    keys[:, :8] = np.arange(count, dtype="<u8").view(np.uint8).reshape(count, 8)
    inverted = InvertedFile([folder], kernel, "growth")
    watch = MemoryWatch()
    _, build = _timed(lambda: inverted.update(keys, pool.of))
    peak = watch.peak / 1e6
    size = sum(path.stat().st_size for path in folder.iterdir()) / count
    inverted, opened = _timed(lambda: InvertedFile([folder], kernel, "growth"))
    source = InvertedSource(inverted, kernel, keys)
    postings = [
        sum(one.lists(code.words).postings for one in inverted.segments) for code in pool.queries
    ]
    with mock.patch.multiple(inverted_source, _WORTH_NUMBA=-1, _WORTH_COMPILING=-1):
        source.estimate(pool.queries[0])
        taken = [_timed(lambda code=code: source.estimate(code))[1] for code in pool.queries[1:]]
    row = [count, min(count, pool.crops), round(size), build, pool.seconds, round(peak)]
    row += [len(inverted.segments), 1000 * opened, 1000 * statistics.median(taken)]
    print(json.dumps([*row, round(statistics.mean(postings))]))


def _timed(work: Any) -> tuple[Any, float]:
    """Return what work returns, and the seconds that it kept the core busy."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


if __name__ == "__main__":
    main()
