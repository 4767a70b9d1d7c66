"""How good descriptors are on labeled folders: P@k and mAP.

Examples::

    python benchmarks/quality.py corel1k --descriptor hsv
    python benchmarks/quality.py holidays --truth 'groups:^(....)' --queries first \\
        --descriptor orb --train background --train clothing

Every picture is a query, left out of its own ranking (``--queries first``: only the first one of
each group). P@k is the share of right pictures among the first k; AP is the mean of the precision
at each right picture, over all right ones. The means are over the queries that have a right
picture at all. Beside them stand what a description takes on one core, decoding not included,
and the bytes of a row.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import report, seconds
from numpy.typing import NDArray

import cbir
from cbir.descriptors.base import TrainedDescriptor
from cbir.descriptors.registry import parse
from cbir.images import Picture
from cbir.parallel import cores, one_thread_each
from cbir.planning import Source
from cbir.spaces import nearest
from cbir.stores.files import save_arrays
from cbir.walking import find_pictures

CUTOFFS = (1, 3, 10)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path, nargs="+")
    parser.add_argument("--truth", default="folders", help="folders, or groups:REGEX on the name")
    parser.add_argument("--queries", choices=["all", "first"], default="all")
    parser.add_argument("--descriptor", action="append", help="repeatable; default hsv")
    parser.add_argument("--metric", action="append", help="repeatable; default the descriptor's")
    parser.add_argument("--train", action="append", type=Path, help="train vocabularies on these")
    parser.add_argument("--name", help="of the results file; default quality-DATASET")
    options = parser.parse_args()
    rows = []
    for dataset in options.dataset:
        for spec in options.descriptor or ["hsv"]:
            with tempfile.TemporaryDirectory() as folder:
                index = make_index(dataset, spec, options.train, Path(folder))
                cost = _cost(dataset, index)
                for metric in options.metric or [None]:
                    measures = measure(index, options.truth, options.queries, metric)
                    rows.append([dataset.name, spec, *measures, *cost])
    columns = ["dataset", "descriptor", "metric", "queries", *(f"P@{k}" for k in CUTOFFS), "mAP"]
    columns += ["ms/image", "bytes/image"]
    report(options.name or f"quality-{options.dataset[0].name}", columns, rows)


def make_index(dataset: Path, spec: str, train: list[Path] | None, folder: Path) -> cbir.Index:
    """Index a folder by one descriptor, with a vocabulary trained on other folders."""
    vocabulary = None
    descriptor = parse(spec).descriptor
    if train and isinstance(descriptor, TrainedDescriptor):
        vocabulary = str(folder / "vocabulary.npz")
        save_arrays(vocabulary, descriptor.train(_samples(descriptor, train)))
    path = str(folder / "index.csv")
    cbir.index(str(dataset), path, [spec], vocabulary=vocabulary)
    return cbir.open(path)


def _samples(descriptor: TrainedDescriptor, folders: list[Path]) -> list[NDArray[Any]]:
    samples = []
    for folder in folders:
        source = Source(str(folder), find_pictures(str(folder)), cores())
        samples += source.samples(descriptor)
    return samples


def _cost(dataset: Path, index: cbir.Index) -> list[Any]:
    """Return milliseconds and bytes a picture."""
    descriptor = index.searcher().named.descriptor
    paths = index.paths[:: max(1, len(index) // 100)]
    pictures = [Picture.open(str(dataset / path)).pixels(descriptor.working_size) for path in paths]
    with one_thread_each():
        times = [seconds(partial(descriptor.describe, picture)) for picture in pictures]
    return [round(1000 * statistics.median(times), 3), index.vectors()[0].nbytes]


def measure(index: cbir.Index, truth: str, queries: str, metric: str | None) -> list[Any]:
    """Return the metric, the number of queries, the precisions and the mAP."""
    labels = np.array([_label(path, truth) for path in index.paths])
    searcher = index.searcher(metric=metric)
    vectors = index.vectors()
    precisions, averages = [], []
    for row, label in enumerate(labels):
        if queries == "first" and label in labels[:row]:
            continue
        ranked = nearest(searcher.space, vectors[row], len(labels), excluded=row)
        right = labels[[other for other, _ in ranked]] == label
        if right.any():
            ranks = np.flatnonzero(right) + 1
            averages.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
            precisions.append([right[:k].mean() for k in CUTOFFS])
    means = [round(float(mean), 4) for mean in [*np.mean(precisions, axis=0), np.mean(averages)]]
    return [searcher.metric.name, len(averages), *means]


def _label(path: str, truth: str) -> str:
    if truth == "folders":
        return path.rpartition("/")[0]
    match = re.search(truth.removeprefix("groups:"), path.rpartition("/")[2])
    if match is None:
        raise SystemExit(f"{path}: --truth {truth} does not match")
    return match.group(1)


if __name__ == "__main__":
    main()
