"""Indexes of thousands of rows that no image was described for, and what is right of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import cbir
from cbir.descriptors.base import Row, as_roots
from cbir.descriptors.registry import parse
from cbir.search import metrics
from cbir.search.request import IndexedImage
from cbir.stores import open_store
from cbir.stores.descriptor_entry import DescriptorEntry
from cbir.stores.model import FILE_DTYPE, Manifest, Rows
from cbir.stores.paths import PathList

COUNT = 6000
SPECS = ("colors=hsv:layout=none", "layout", "phash")


def rows_of(spec: str, numbers: Sequence[int]) -> Row:
    """Return rows that lie in clusters, each by its number alone."""
    descriptor = parse(spec).descriptor
    rng = np.random.default_rng(1)
    latent = rng.dirichlet(np.full(descriptor.dimension, 0.1), 60)
    all_rows = np.random.default_rng(2).integers(0, len(latent), COUNT + 2000)
    noise = np.random.default_rng(3).dirichlet(
        np.full(descriptor.dimension, 0.1), (COUNT + 2000, 2)
    )
    values = (latent[all_rows] + 0.6 * noise[:, 0])[np.asarray(numbers, np.intp)]
    if descriptor.kind.packed:
        bits = values > np.median(values, axis=1, keepdims=True)
        quality = np.full((len(bits), int(descriptor.has_quality)), 100, np.uint8)
        return np.concatenate([np.packbits(bits, axis=1), quality], axis=1)
    return as_roots(values).astype(descriptor.dtype)


def write_index(
    folder: Path,
    numbers: Sequence[int],
    specs: Sequence[str] = SPECS,
    prefix: str = "image",
) -> str:
    """Write an index of the images with some numbers; return its path."""
    path = str(folder / "index.csv")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    paths = [f"{prefix}-{number:06}.jpg" for number in numbers]
    facts = np.zeros(len(numbers), FILE_DTYPE)
    facts["width"] = [100 + number % 100 for number in numbers]
    facts["height"] = facts["bytes"] = 100
    for place, number in enumerate(numbers):
        facts["sha256"][place] = hashlib.sha256(str(number).encode()).digest()
    entries = tuple(DescriptorEntry.of(parse(spec), None, path) for spec in specs)
    matrices = {parse(spec).alias: rows_of(spec, numbers) for spec in specs}
    store = open_store(path)
    with store.writer() as writer:
        writer.commit(Manifest("data", entries, "test"), Rows(PathList.of(paths), facts), matrices)
    return path


def brute_force(
    index: cbir.Index, descriptor: str, row: int, eligible: NDArray[np.bool_] | None = None
) -> list[float]:
    """Return the distances of an image to all eligible ones but itself, the nearest first."""
    named = index.snapshot.descriptor(descriptor).descriptor
    metric = metrics.get(named.metrics[0])
    matrix = index.vectors(descriptor)
    if named.kind.packed:
        width = named.kind.width(named.dimension)
        distances = metric.between(matrix[row, :width], matrix[:, :width]).astype(float)
    else:
        values = named.encoding.values(matrix)
        distances = metric.between(values[row], values)
    is_other = np.arange(len(matrix)) != row
    return sorted(distances[is_other if eligible is None else is_other & eligible].tolist())


def recall(
    index: cbir.Index,
    descriptor: str,
    eligible: NDArray[np.bool_] | None = None,
    where: str | None = None,
    queries: int = 100,
    top: int = 10,
) -> float:
    """Return the share of the nearest that approximate searches find, by their distances."""
    hits = []
    for row in np.linspace(0, len(index) - 1, queries).astype(int).tolist():
        limit = brute_force(index, descriptor, row, eligible)[top - 1] + 1e-9
        found = index.search(
            IndexedImage(index.paths[row]),
            top,
            descriptor=descriptor,
            approximate=True,
            exclude_self=True,
            where=where,
        )
        hits.append(sum(match.distance <= limit for match in found.matches) / top)
    return float(np.mean(hits))
