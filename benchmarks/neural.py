"""What a description by a network costs beside the network alone, and what 8 bits lose.

Example::

    python benchmarks/neural.py corel1k

The truth and the protocols are those of ``cbir evaluate``. Times are medians, over rounds that
take turns, of the mean of some images, on one core unless two are named.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import numpy as np
from common import report, seconds
from labeled import add_options, make_index, read_queries
from numpy.typing import NDArray

from cbir.core.threads import one_thread_each
from cbir.descriptors import registry
from cbir.descriptors.base import PLAIN, Encoding
from cbir.descriptors.neural.cnn import Cnn
from cbir.evaluation import evaluate
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage
from cbir.images.pixels import Pixels

ROUNDS = 9
IMAGES = 64


@dataclass(frozen=True)
class Unrounded(Cnn):
    """`cnn` as the network gives it."""

    name: ClassVar[str] = "unrounded"
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.float32)

    @property
    def encoding(self) -> Encoding:
        """How the stored numbers relate to those that are compared: they are these."""
        return PLAIN

    def describe(self, image: Pixels) -> NDArray[Any]:
        """Describe an RGB image; see :meth:`Network.vector`."""
        return self.vector(image)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_options(parser)
    options = parser.parse_args()
    name = options.dataset.name
    columns = ["work", "ms an image", "times the network"]
    report(f"neural-time-{name}", columns, times(options.dataset))
    report(f"neural-bits-{name}", ["stored as", "bytes", "mAP", "P@10"], qualities(options))


def times(folder: Path) -> list[list[Any]]:
    """Return what decoding, the network and the whole description take."""
    descriptor = Cnn()
    paths = [str(folder / one.path) for one in find_images(str(folder))]
    encoded = [EncodedImage.open(path) for path in paths[:: max(1, len(paths) // IMAGES)]]
    images = [image.pixels(descriptor.working_size) for image in encoded]
    prepared = [descriptor.preprocessing.array(image) for image in images]

    def decode() -> None:
        for image in encoded:
            EncodedImage(image.path, image.data).pixels(descriptor.working_size)

    def on_two(function: Callable[[Any], Any], work: Sequence[Any]) -> Callable[[], None]:
        def run() -> None:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(function, work))

        return run

    works: dict[str, Callable[[], Any]] = {
        "the network alone, prepared arrays": lambda: list(map(descriptor.forward, prepared)),
        "the description": lambda: list(map(descriptor.describe, images)),
        "the description, two threads": on_two(descriptor.describe, images),
        "decoding": decode,
    }
    taken: dict[str, list[float]] = {work: [] for work in works}
    with one_thread_each():
        for _ in range(ROUNDS):
            for work, run in works.items():
                taken[work].append(1000 * seconds(run) / len(images))
    alone, *_ = taken.values()
    return [
        [
            work,
            round(statistics.median(found), 3),
            round(statistics.median(one / base for one, base in zip(found, alone, strict=True)), 3),
        ]
        for work, found in taken.items()
    ]


def qualities(options: argparse.Namespace) -> list[list[Any]]:
    """Return how good `cnn` is as it is stored, and as the network gives it."""
    rows = []
    ours = {Unrounded.name: f"{__name__}:{Unrounded.__name__}"}
    with (
        mock.patch.dict(registry._BUILT_IN, ours),
        tempfile.TemporaryDirectory() as folder,
    ):
        specs = {name: name for name in (Unrounded.name, Cnn.name)}
        index = make_index(options.dataset, specs, options.train, Path(folder))
        truth, queries = read_queries(index, options)
        for alias, label in {Unrounded.name: "32-bit numbers", Cnn.name: "8-bit numbers"}.items():
            (run,) = evaluate(index, truth, queries, [index.searcher(alias)]).runs
            means = [round(run.mean(measure), 4) for measure in ("map", "precision@10")]
            rows.append([label, run.bytes_per_image, *means])
    return rows


if __name__ == "__main__":
    main()
