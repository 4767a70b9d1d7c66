"""Rows of a descriptor by the million, drawn with the statistics of real ones.

No million distinct images are here. So random crops of the images of some folders are described,
and further rows are drawn from these: each is a mixture of two crops of any images, in random
shares, of which every number is then changed by a quarter or so. A number of a mixture is zero
where it is zero in both crops, as many are. How far rows lie from each other is near to what it is
among crops, but not the same. Queries are crops of images of which nothing is among the rows.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.descriptors.base import Row
from cbir.descriptors.registry import NamedDescriptor, parse
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage
from cbir.images.image_source import open_image

QUERIES = 500
"""Held out: one of each of so many images."""

_CROPS = 4
"""Of each of the other images."""

_SMALLEST_SIDE = 0.5
"""Of a crop, as a share of the image's."""

_CHANGE = 0.25
"""The deviation of the logarithm by which each number of a drawn row is changed."""

_BLOCK = 10_000


def described(spec: str) -> NamedDescriptor:
    """Return a descriptor with the model that comes with the package, if it needs one."""
    named = parse(spec)
    shipped = getattr(named.descriptor, "shipped", None)
    state = shipped() if shipped else None
    if state is None:
        return named
    return NamedDescriptor(named.alias, named.descriptor.bind(state))  # type: ignore[attr-defined]


def crops(spec: str, folders: Sequence[Path], cache: Path) -> tuple[Row, Row]:
    """Return rows of crops of all images but some, and one of each of these: the queries."""
    names = ",".join(sorted(folder.name for folder in folders))
    key = hashlib.sha256(f"{spec} {names}".encode()).hexdigest()[:12]
    path = cache / f"crops-{spec.partition(':')[0]}-{key}.npz"
    if not path.exists():
        rows, queries = _describe(described(spec), folders)
        np.savez(path, rows=rows, queries=queries)
    with np.load(path) as kept:
        return kept["rows"], kept["queries"]


def _describe(named: NamedDescriptor, folders: Sequence[Path]) -> tuple[Row, Row]:
    paths = [str(folder / file.path) for folder in folders for file in find_images(str(folder))]
    order = np.random.default_rng(0).permutation(len(paths))

    def rows_of(place: int) -> list[Row]:
        rng = np.random.default_rng(int(order[place]))
        pixels = EncodedImage.open(paths[order[place]]).pixels(512)
        found = []
        for _ in range(1 if place < QUERIES else _CROPS):
            sides = np.array(pixels.shape[:2])
            height, width = (sides * rng.uniform(_SMALLEST_SIDE, 1, 2)).astype(int).tolist()
            top, left = rng.integers(0, sides - [height, width] + 1).tolist()
            crop = np.ascontiguousarray(pixels[top : top + height, left : left + width])
            found.append(named.describe(open_image(crop)))
        return found

    with one_thread_each():
        all_rows = list(ordered_map(rows_of, range(len(paths)), cores()))
    queries = np.stack([rows[0] for rows in all_rows[:QUERIES]])
    return np.stack(list(itertools.chain(*all_rows[QUERIES:]))), queries


def drawn(real: Row, count: int, path: Path) -> Row:
    """Return so many rows in a memory-mapped file, the real ones first."""
    if not path.exists():
        aside = path.with_suffix(".new")
        shape = (count, real.shape[1])
        matrix = np.lib.format.open_memmap(aside, "w+", real.dtype, shape)
        start = min(count, len(real))
        matrix[:start] = real[:start]
        for block in _drawn_blocks(real, count - start):
            matrix[start : start + len(block)] = block
            start += len(block)
        matrix.flush()
        aside.rename(path)
    return np.load(path, mmap_mode="r").view(np.ndarray)


def _drawn_blocks(real: Row, count: int) -> Iterator[Row]:
    rng = np.random.default_rng(1)
    is_whole = real.dtype.kind in "iu"
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        one, other = real[rng.integers(0, len(real), (2, size))].astype(np.float32)
        share = rng.uniform(0.5, 1, (size, 1)).astype(np.float32)
        mixed = share * one + (1 - share) * other
        mixed *= np.exp(_CHANGE * rng.standard_normal(mixed.shape, np.float32))
        if is_whole:
            limits = np.iinfo(real.dtype)
            mixed = np.clip(np.rint(mixed), limits.min, limits.max)
        yield mixed.astype(real.dtype)
