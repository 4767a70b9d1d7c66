"""All engines by one suite: what they find, against brute force, also after they were kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cbir.search.ann.engines import registry
from cbir.search.ann.engines.base import Engine, Vectors

INSTALLED = [name for name in registry.ENGINES if registry.get(name).missing is None]
COUNT, WIDTH = 3000, 32


class Plain:
    """Vectors in memory."""

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors

    @property
    def width(self) -> int:
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.vectors)

    def sample(self, most: int) -> Vectors:
        return self.vectors[:most]

    def blocks(self) -> Iterator[Vectors]:
        for start in range(0, len(self.vectors), 700):
            yield self.vectors[start : start + 700]


def vectors_for(engine: Engine, count: int = COUNT) -> Vectors:
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((40, WIDTH))
    numbers = centers[rng.integers(0, 40, COUNT)] + 0.5 * rng.standard_normal((COUNT, WIDTH))
    if engine.packed:
        turned = numbers @ rng.standard_normal((WIDTH, 8 * WIDTH))
        return np.packbits(turned > 0, axis=1)[:count]
    return numbers.astype(np.float32)[:count]


def nearest(vectors: Vectors, query: Vectors, k: int) -> float:
    return float(np.sort(distances(vectors, query))[k - 1])


def distances(vectors: Vectors, query: Vectors) -> np.ndarray:
    if vectors.dtype == np.uint8:
        return np.bitwise_count(vectors ^ query).sum(axis=1)
    return np.square(vectors.astype(float) - query).sum(axis=1)


@pytest.mark.parametrize("name", INSTALLED)
def test_with_enough_effort_what_is_near_is_among_what_is_named(name: str, tmp_path: Path) -> None:
    engine = registry.get(name)
    vectors = vectors_for(engine)
    made = engine.build(Plain(vectors), None, 2)
    made.save(str(tmp_path / "structure"))
    read = engine.load(str(tmp_path / "structure"), len(vectors), vectors.shape[1])
    assert len(made) == len(read) == COUNT
    shares = []
    for row in range(0, COUNT, 100):
        limit = nearest(vectors, vectors[row], 10)
        found = read.search(vectors[row], 100, read.efforts[-1])
        assert found.dtype == np.int64 and len(set(found.tolist())) == len(found) <= 100
        assert found.tolist() == made.search(vectors[row], 100, read.efforts[-1]).tolist()
        shares.append(min(10, np.count_nonzero(distances(vectors[found], vectors[row]) <= limit)))
    assert np.mean(shares) / 10 >= 0.95


@pytest.mark.parametrize("name", INSTALLED)
def test_more_effort_finds_more_and_is_told_to_cost_more(name: str) -> None:
    engine = registry.get(name)
    vectors = vectors_for(engine)
    made = engine.build(Plain(vectors), None, 2)
    assert list(made.efforts) == sorted(set(made.efforts))

    def found(effort: int) -> int:
        hits = 0
        for row in range(0, COUNT, 60):
            named = made.search(vectors[row], 10, effort)
            limit = nearest(vectors, vectors[row], 10)
            hits += np.count_nonzero(distances(vectors[named], vectors[row]) <= limit)
        return hits

    assert found(made.efforts[0]) <= found(made.efforts[-1])
    costs = [made.compared(10, effort) for effort in made.efforts]
    assert costs == sorted(costs) and costs[-1] <= 2 * COUNT


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("count", [1, 2, 20])
def test_a_few_vectors_are_all_found(name: str, count: int, tmp_path: Path) -> None:
    engine = registry.get(name)
    vectors = vectors_for(engine, count)
    engine.build(Plain(vectors), None, 1).save(str(tmp_path / "structure"))
    read = engine.load(str(tmp_path / "structure"), count, vectors.shape[1])
    assert sorted(read.search(vectors[0], 50, read.efforts[-1]).tolist()) == list(range(count))


@pytest.mark.parametrize("name", [name for name in INSTALLED if registry.get(name).adds])
def test_vectors_that_are_added_later_are_found(name: str, tmp_path: Path) -> None:
    engine = registry.get(name)
    vectors = vectors_for(engine)
    engine.build(Plain(vectors[:2500]), None, 2).save(str(tmp_path / "old"))
    changed = engine.load(str(tmp_path / "old"), 2500, vectors.shape[1], changeable=True)
    changed.add(Plain(vectors[2500:]))
    changed.save(str(tmp_path / "new"))
    read = engine.load(str(tmp_path / "new"), COUNT, vectors.shape[1])
    assert len(read) == COUNT
    found = [read.search(vectors[row], 30, read.efforts[-1]) for row in range(2500, COUNT, 25)]
    named = sum(row in some for row, some in zip(range(2500, COUNT, 25), found, strict=True))
    assert named >= 19  # of 20


def test_a_size_in_bytes_is_kept_to() -> None:
    vectors = vectors_for(registry.get("faiss-ivfpq"))
    for size in (4, 16):
        engine = registry.get("faiss-ivfpq")
        index = engine.build(Plain(vectors), size, 2).index  # type: ignore[attr-defined]
        assert index.pq.code_size == size
