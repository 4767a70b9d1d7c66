"""What labels teach: projections and fusion weights, on new images and on new classes.

Examples::

    python benchmarks/learning.py corel1k --descriptor fisher --descriptor hsv+hog
    python benchmarks/learning.py fashion --truth styles.csv --label articleType --descriptor hog

What is learned, how it is judged and what the columns mean is that of ``cbir train --from``. Of one
descriptor a projection is learned, of several joined by ``+`` also the weights of their fusion. A
descriptor is a spec as for ``index``; trained ones that no model comes with learn from the folders
of ``--train``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import report
from labeled import add_options, make_index

import cbir
from cbir.descriptors.registry import parse
from cbir.evaluation import GroundTruth, read_ground_truth
from cbir.learning.fusion_weights import learn_weights
from cbir.learning.judging import Judgment
from cbir.learning.projection import learn_projection

COLUMNS = (
    *("descriptor", "learned", "held out", "queries", "P@10 before", "P@10", "P@10 difference"),
    *("mAP before", "mAP", "mAP difference"),
)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_options(parser)
    parser.add_argument("--descriptor", action="append", required=True, help="or several, by +")
    options = parser.parse_args()
    fusions = [label.split("+") for label in options.descriptor]
    specs = {_alias(spec): spec for fusion in fusions for spec in fusion}
    labels = ["+".join(map(_alias, fusion)) for fusion in fusions]
    with tempfile.TemporaryDirectory() as folder:
        index = make_index(options.dataset, specs, options.train, Path(folder))
        truth = read_ground_truth(options.truth, index.paths, key=options.key, label=options.label)
        rows = [row for label in labels for row in measured(index, label, truth, folder)]
    name = options.dataset.resolve().name
    report(f"learning-{name}{f'-{options.label}' if options.label else ''}", COLUMNS, rows)


def measured(index: cbir.Index, label: str, truth: GroundTruth, folder: str) -> Iterator[list[Any]]:
    """Learn all that one or several descriptors can be taught, and yield a row a judgment."""
    projection = learn_projection(index, label, truth, os.path.join(folder, "model.npz"))
    yield from _rows(label, "projection", projection.judgments)
    if "+" in label:
        learned = learn_weights(index, label, truth)
        weights = ", ".join(f"{weight:g}" for weight in learned.weights.values())
        yield from _rows(label, f"weights {weights}", learned.judgments)


def _alias(spec: str) -> str:
    return parse(spec).alias


def _rows(label: str, what: str, judgments: list[Judgment]) -> Iterator[list[Any]]:
    for judgment in judgments:
        cells: list[Any] = []
        for one in judgment.comparisons.values():
            found = one.difference
            interval = f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
            cells += [f"{one.before:.3f}", f"{one.after:.3f}", interval]
        yield [label, what, f"new {judgment.held_out}", judgment.queries, *cells]


if __name__ == "__main__":
    main()
