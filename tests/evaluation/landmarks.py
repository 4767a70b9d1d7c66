"""A small data set like Oxford 5k: generated images, boxes, and measures as published.

The measures are written straight from the published definitions, on names, and share nothing with
the code that they are compared with.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

BOX = (8.5, 4.0, 72.0, 60.25)
"""Of every query: x1, y1, x2, y2."""

REGION = "8.5,4,63.5,56.25"
"""The same, as x, y, width and height."""


def make_images(folder: Path, names: Sequence[str], seed: int = 0) -> None:
    """Write images of 96x72 pixels; those whose names begin alike look alike."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for name in names:
        kind = np.random.default_rng(sum(name.rpartition("_")[0].encode()))
        tints = kind.integers(0, 256, (3, 4, 3)) + rng.integers(-70, 70, (3, 4, 3))
        pixels = tints.clip(0, 255).astype(np.uint8).repeat(24, axis=0).repeat(24, axis=1)
        Image.fromarray(pixels).save(folder / f"{name}.jpg", quality=90)


def write_oxford(
    folder: Path,
    name: str,
    image: str,
    good: Collection[str],
    ok: Collection[str] = (),
    junk: Collection[str] = (),
) -> None:
    """Write the four files of a query."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}_query.txt").write_text(f"{image} {' '.join(map(str, BOX))}\n")
    for kind, names in (("good", good), ("ok", ok), ("junk", junk)):
        (folder / f"{name}_{kind}.txt").write_text("".join(f"{one}\n" for one in names))


def compute_ap(ranking: Sequence[str], positive: Collection[str], junk: Collection[str]) -> float:
    """Average precision as the Oxford data define it: trapezoids, rank by rank."""
    area, old_recall, old_precision, found, seen = 0.0, 0.0, 1.0, 0, 0
    for name in ranking:
        if name in junk:
            continue
        seen += 1
        found += name in positive
        recall, precision = found / len(positive), found / seen
        area += (recall - old_recall) * (old_precision + precision) / 2
        old_recall, old_precision = recall, precision
    return area


def precision_at(
    ranking: Sequence[str], positive: Collection[str], junk: Collection[str], k: int
) -> float:
    """Precision at k as the revisited protocol defines it: no further than the last right one."""
    kept = [name for name in ranking if name not in junk]
    last = max(rank for rank, name in enumerate(kept, 1) if name in positive)
    depth = min(k, last)
    return sum(name in positive for name in kept[:depth]) / depth
