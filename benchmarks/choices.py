"""What the constants of the descriptors are worth: each put back to the usual value, one by one.

Example::

    python benchmarks/choices.py holidays --truth 'groups:^(....)' --train background \\
        --train clothing

The first row of a descriptor is as it is; the others say what was changed. The truth and the
protocols are those of ``cbir evaluate``. The last column is the median distance between two
images: near it is what descriptors say of unrelated ones.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
from common import report
from labeled import add_options, make_index, read_queries

import cbir
from cbir.descriptors.encoders import bovw
from cbir.descriptors.global_features import hog
from cbir.descriptors.local_features import orb
from cbir.evaluation import evaluate
from cbir.search.candidates import top_k

ALIAS, USUAL = "measured", "as it is"
CHOICES: list[tuple[str, str, dict[str, Any]]] = [
    *((name, USUAL, {}) for name in ("correlogram", "jcd", "layout")),
    *((name, USUAL, {}) for name in ("centrist", "phog", "gist", "lbp", "haralick", "gabor")),
    ("hsv", USUAL, {}),
    ("hsv:compare=shares", "shares, not their roots", {}),
    ("hog", USUAL, {}),
    ("hog", "the paper's constants", {"hog._FAINT": 1e-5, "hog._SOFT": 1e-10}),
    ("orb", USUAL, {}),
    ("orb", "OpenCV's corner threshold", {"fastThreshold": 20}),
    ("orb", "OpenCV's border", {"edgeThreshold": 31}),
    ("orb", "not spread", {"orb._CANDIDATES": 1}),
    ("orb", "one vote a feature", {"bovw._VOTES": (1,)}),
]
MODULES = {"hog": hog, "orb": orb, "bovw": bovw}
MEASURES = {"P@1": "precision@1", "P@3": "precision@3", "P@10": "precision@10", "mAP": "map"}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_options(parser)
    options = parser.parse_args()
    rows = []
    for spec, label, changes in CHOICES:
        with tempfile.TemporaryDirectory() as folder, _changed(changes):
            index = make_index(options.dataset, {ALIAS: spec}, options.train, Path(folder))
            truth, queries = read_queries(index, options)
            (run,) = evaluate(index, truth, queries, [index.searcher()]).runs
            means = [round(run.mean(measure), 4) for measure in MEASURES.values()]
            rows.append([spec.partition(":")[0], label, *means, round(_median_distance(index), 2)])
    columns = ["descriptor", "choice", *MEASURES, "median distance"]
    report(f"choices-{options.dataset.name}", columns, rows)


@contextlib.contextmanager
def _changed(changes: dict[str, Any]) -> Iterator[None]:
    """Put constants of modules, or arguments of the ORB detector, to other values for a while."""
    arguments = {name: value for name, value in changes.items() if "." not in name}
    usual = {"edgeThreshold": orb._BORDER, "fastThreshold": 5}

    def detector(count: int) -> cv2.ORB:
        return cv2.ORB.create(nfeatures=count, scaleFactor=1.2, nlevels=8, **usual | arguments)

    with contextlib.ExitStack() as stack:
        if arguments:
            stack.enter_context(mock.patch.object(orb, "_detector", detector))
        for name, value in changes.items():
            module, _, constant = name.partition(".")
            if constant:
                stack.enter_context(mock.patch.object(MODULES[module], constant, value))
        yield


def _median_distance(index: cbir.Index) -> float:
    source, vectors = index.single_searcher(ALIAS).source, index.vectors()
    everything = np.arange(len(vectors))
    distances = [
        distance
        for row in range(0, len(vectors), max(1, len(vectors) // 50))
        for _, distance in top_k(source, vectors[row], len(vectors), eligible=everything != row)
    ]
    return float(np.median(distances))


if __name__ == "__main__":
    main()
