"""Which images that are no copies come closest to being taken for copies, and by what margin.

Example::

    python benchmarks/closest.py corel1k holidays fashion --sheet closest.png

All pairs that ``cbir duplicates`` would look at are compared. Pairs of the same bytes, and those
that ``truth/copies.csv`` lists, are left out. A pair's closeness is 1 at the limit and more for
what is called a copy: see `cbir.verification.closeness`. The contact sheet shows the ten closest
pairs of each level.
"""

from __future__ import annotations

import argparse
import heapq
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from common import report
from duplicates import TRUTH, link_folders
from numpy.typing import NDArray
from truth import groups_of_copies

from cbir.core.progress import ProgressListener
from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.duplicates.candidates import find_candidates
from cbir.duplicates.collection import Collection, open_collection
from cbir.duplicates.copy_classifier import NEAR, CopyClassifier, Hypotheses
from cbir.duplicates.model import CopyLevel
from cbir.duplicates.shortlists import unpacked
from cbir.images.encoded_image import EncodedImage
from cbir.search.metrics import hamming
from cbir.verification import View, closeness, verify
from cbir.verification.comparison import Comparison, compare
from cbir.verification.geometry import orientation_transform

_SIDE = 240
"""Pixels of an image on the contact sheet."""


@dataclass(frozen=True, slots=True, order=True)
class Close:
    """A pair that is no copy."""

    closeness: float
    first: str
    second: str
    bits: int
    agreement: float
    displacement: float


def main() -> None:
    """Compare, print, keep, and draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--truth", type=Path, default=TRUTH)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--sheet", type=Path, help="an image file to write")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as work:
        root = Path(work, "dataset")
        link_folders(options.folder, root)
        index = str(Path(work, "index.csv"))
        for level in ("near", "edited"):
            with open_collection(str(root), index, level=level) as collection:
                pairs = closest(collection, level, root, options.truth, options.count)
            rows += [
                (level, *(getattr(pair, field) for field in Close.__slots__)) for pair in pairs
            ]
            if options.sheet:
                name = f"{options.sheet.stem}-{level}{options.sheet.suffix}"
                cv2.imwrite(str(options.sheet.with_name(name)), sheet(root, pairs))
    report("closest", ["level", *Close.__slots__], rows)


def closest(
    collection: Collection, level: CopyLevel, root: Path, truth: Path, count: int
) -> list[Close]:
    """Return the pairs that are no copies and come closest to it, the closest first."""
    classifier = CopyClassifier(collection.cache, level)
    contents = collection.contents
    paths = [os.path.relpath(content.path, root) for content in contents]
    groups = groups_of_copies(root, paths, truth)

    def best(pair: tuple[int, int, Hypotheses]) -> Close:
        first, second, hypotheses = pair
        a, b = contents[first], contents[second]
        limits = NEAR if level == "near" else classifier.limits
        ranked = [
            (closeness(one, limits), one)
            for one in _comparisons(classifier, first, second, hypotheses, collection)
        ]
        near, comparison = max(ranked, key=lambda one: one[0], default=(0.0, None))
        bits = int(hamming(a.bits, b.bits[None])[0])
        measured = (comparison.agreement, comparison.displacement) if comparison else (0.0, 0.0)
        return Close(near, paths[first], paths[second], bits, *measured)

    with one_thread_each():
        shortlists = find_candidates(contents, classifier, cores(), ProgressListener())
        pairs = [
            (first, second, unpacked(hypotheses))
            for second in range(len(contents))
            for first, hypotheses in shortlists.of(second)
            if groups[first] != groups[second]
        ]
        return heapq.nlargest(count, ordered_map(best, pairs, cores()))


def _comparisons(
    classifier: CopyClassifier,
    first: int,
    second: int,
    hypotheses: Hypotheses,
    collection: Collection,
) -> list[Comparison | None]:
    cache, a, b = (
        collection.cache,
        collection.contents[first],
        collection.contents[second],
    )
    one, two = cache.gray(a), cache.gray(b)
    compared = [
        compare(one, two, orientation_transform(one.shape, two.shape, orientation))
        for orientation in hypotheses.orientations
    ]
    if classifier.level == "edited":
        views = (
            View(cache.features(a), lambda: one),
            View(cache.features(b), lambda: two),
        )
        compared += [verify(*views, mirrored).comparison for mirrored in hypotheses.feature_votes]
    return compared


def sheet(root: Path, pairs: list[Close]) -> NDArray[np.uint8]:
    """Draw the pairs side by side, two pairs a row."""
    cells = [np.hstack([_shown(root / pair.first), _shown(root / pair.second)]) for pair in pairs]
    for cell, pair in zip(cells, pairs, strict=True):
        text = f"{pair.closeness:.2f} {Path(pair.first).stem[:14]} {Path(pair.second).stem[:14]}"
        cv2.putText(cell, text, (4, _SIDE + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0))
    if len(cells) % 2:
        cells.append(np.full_like(cells[0], 255))
    rows = [np.hstack(cells[i : i + 2]) for i in range(0, len(cells), 2)]
    return cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)  # type: ignore[return-value]


def _shown(path: Path) -> NDArray[np.uint8]:
    pixels = EncodedImage.open(str(path)).pixels(512)
    factor = _SIDE / max(pixels.shape)
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    cell = np.full((_SIDE + 22, _SIDE + 8, 3), 255, np.uint8)
    cell[: small.shape[0], : small.shape[1]] = small
    return cell


if __name__ == "__main__":
    main()
