"""How far collections are from the images that the models of the package were trained on.

Example::

    python benchmarks/drift.py corel1k clothing fashion --shipped fisher --shipped colorfisher

The drift of every folder from each model: of all its images, the least and the most of random 64
of them, and the least and the most of its own folders. A descriptor's limit, above which ``index``
warns, is chosen by these figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import report
from numpy.typing import NDArray

from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.descriptors.registry import parse
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage

MOST = 1000
"""Images of a folder whose drift is measured."""

FEW = 64
DRAWS = 50
"""Random collections of few images."""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--shipped", action="append", required=True, help="from whose model")
    options = parser.parse_args()
    from_models(options.folder, options.shipped)


def from_models(folders: Sequence[Path], specs: Sequence[str]) -> None:
    """Measure the drift of each folder from the models that come with the package."""
    table: list[list[Any]] = []
    for spec in specs:
        descriptor = parse(spec).descriptor
        assert isinstance(descriptor, TrainedDescriptor)
        state = descriptor.shipped()
        assert state is not None, f"{spec}: no model comes with the package"
        bound = descriptor.bind(state)
        for folder in folders:
            paths, rows = _rows(bound, folder)
            random = np.random.default_rng(0)
            few = [
                bound.drift(rows[random.choice(len(rows), FEW, replace=False)])
                for _ in range(DRAWS)
            ]
            own = np.array([Path(path).parent for path in paths])
            kinds = [bound.drift(rows[own == kind]) for kind in set(own)]
            table.append([spec, folder.name, len(rows), bound.drift(rows), *_ends(few)])
            table[-1] += _ends([drift for drift in kinds if drift > 0] or [bound.drift(rows)])
    columns = ["descriptor", "folder", "images", "drift", f"{FEW}: least", f"{FEW}: most"]
    columns += ["own folders: least", "own folders: most"]
    rounded = [[*row[:3], *(round(value, 3) for value in row[3:])] for row in table]
    report("drift-shipped", columns, rounded)


def _ends(drifts: Sequence[float]) -> list[float]:
    return [min(drifts), max(drifts)]


def _rows(bound: TrainedDescriptor, folder: Path) -> tuple[list[str], NDArray[Any]]:
    """Describe images of a folder; return their paths and rows."""
    found = find_images(str(folder))
    paths = [str(folder / one.path) for one in found[:: max(1, len(found) // MOST)]]

    def describe(path: str) -> NDArray[Any]:
        return bound.describe(EncodedImage.open(path).pixels(bound.working_size))

    with one_thread_each():
        return paths, np.array(list(ordered_map(describe, paths, cores())))


if __name__ == "__main__":
    main()
