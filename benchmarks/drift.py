"""How far collections are from the pictures that a vocabulary was trained on.

Example::

    python benchmarks/drift.py corel1k background clothing fashion

Trains a vocabulary for ``orb`` on each folder and prints the drift of every folder from it: the
figure above whose limit ``index`` warns.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from common import report

from cbir.descriptors.words import OrbWords
from cbir.images import Picture
from cbir.parallel import cores, ordered_map
from cbir.planning import Source
from cbir.walking import find_pictures

MOST = 400
"""Pictures of a folder whose drift is measured."""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+")
    folders = parser.parse_args().folder
    rows = []
    for trained in folders:
        source = Source(str(trained), find_pictures(str(trained)), cores())
        descriptor = OrbWords()
        bound = descriptor.bind(descriptor.train(source.samples(descriptor)))
        drifts = [round(_drift(bound, folder), 3) for folder in folders]
        rows.append([trained.name, *drifts])
    report("drift", ["trained on", *(folder.name for folder in folders)], rows)


def _drift(bound: OrbWords, folder: Path) -> float:
    found = find_pictures(str(folder))
    paths = [str(folder / one.path) for one in found[:: max(1, len(found) // MOST)]]

    def describe(path: str) -> np.ndarray:
        return bound.describe(Picture.open(path).pixels(bound.working_size))

    return bound.drift(np.array(list(ordered_map(describe, paths, cores()))))


if __name__ == "__main__":
    main()
