"""How fast and how right approximate search is: engines by themselves, and with what is ours.

Example::

    python benchmarks/approximate.py corel1k clothing --rows 100000 --cache rows

Rows are drawn as :mod:`drawn_rows` says, and kept in the folder of ``--cache``, which has to hold
them; queries are crops of images of which nothing is among the rows. Right are the ten rows that
an exact search by the descriptor's metric finds. `bare` is the engine by itself: the nearest ten by
whole vectors, of the form that serves the metric best, or by the projected ones where
``--projected`` says so. `ours` is what cbir does: candidates by projected vectors, compared
exactly; the time of a query has all of that. What is tuned is searched as after ``cbir optimize``:
effort and candidates are found on rows, recall and time are of the queries held out.

Each engine is built in a process of its own with all cores, and searched on one core, one query
after the other. Peak memory is without mapped files.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import keep, print_table
from drawn_rows import crops, described, drawn
from numpy.typing import NDArray

from cbir.core.progress import ProgressListener
from cbir.core.threads import cores
from cbir.descriptors.base import Row
from cbir.search import metrics
from cbir.search.ann.choosing import NEAREST, choose_vectors
from cbir.search.ann.coverage import Coverage
from cbir.search.ann.engines import registry
from cbir.search.ann.engines.base import Structure, Vectors
from cbir.search.ann.source import ApproximateSource
from cbir.search.ann.structure_folder import size_of
from cbir.search.ann.tuning import RecallSample, tune
from cbir.search.ann.vectors import RowVectors, VectorMap
from cbir.search.candidates import ScannedSource, top_k, top_k_of_each
from cbir.search.searchers import scanned
from cbir.search.sources import open_source

_QUERIES = 200
_DEPTHS = (10, 16, 32, 64, 128, 256, 512, 1024)
_RECALLS = (0.9, 0.95, 0.98, 0.99)
_WANTED = 0.95

_GAIN = 0.001
"""Of recall, for which more effort is worth being measured."""

COLUMNS = (
    "descriptor", "rows", "engine", "search", "numbers", "build s", "peak MB", "bytes/row",
    *(f"ms at {recall}" for recall in _RECALLS), "best recall", "tuned recall", "tuned ms",
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """What is searched, and what is right."""

    spec: str
    matrix: Row
    queries: Row
    limits: NDArray[np.float64]

    @property
    def source(self) -> ScannedSource[Row]:
        """The rows, compared exactly."""
        descriptor = described(self.spec).descriptor
        return scanned(open_source(descriptor, self.matrix, metrics.get(descriptor.metrics[0])))


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--descriptor", default="hsv")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--engine", action="append", help="repeatable; default all that fit")
    parser.add_argument(
        "--search", action="append", choices=("ours", "bare"), help="repeatable; default both"
    )
    parser.add_argument("--bytes", type=int, help="of an engine that quantizes")
    parser.add_argument("--projected", action="store_true", help="bare: by projected vectors")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    world = _world(options)
    if options.one:
        engine, kind = options.one
        size = options.bytes if registry.get(engine).quantizes else None
        is_whole = kind == "bare" and not options.projected
        print(json.dumps(_measured(world, engine, size, kind == "bare", is_whole)))
        return
    packed = described(options.descriptor).descriptor.kind.packed
    engines = options.engine or [
        name for name in registry.ENGINES if registry.get(name).packed == packed
    ]
    found: list[dict[str, Any]] = []
    for engine in engines:
        if registry.get(engine).missing is not None:
            continue
        for kind in options.search or ("ours", "bare"):
            command = [sys.executable, __file__, *sys.argv[1:], "--one", engine, kind]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            found.append(json.loads(done.stdout))
            print(found[-1]["row"], flush=True)
        _keep(options, found)
    print_table(COLUMNS, [one["row"] for one in found])


def _keep(options: argparse.Namespace, found: Sequence[dict[str, Any]]) -> None:
    rows = [dict(zip(COLUMNS, one["row"], strict=True)) for one in found]
    curves = {f"{one['row'][2]}, {one['row'][3]}": one["curve"] for one in found}
    name = f"approximate-{options.descriptor.partition(':')[0]}-{options.rows}"
    keep(name, {"rows": rows, "curves": curves})


def _world(options: argparse.Namespace) -> World:
    """Draw rows, and search exactly for the queries, once."""
    options.cache.mkdir(exist_ok=True)
    spec = options.descriptor
    real, queries = crops(spec, options.folders, options.cache)
    stem = f"{spec.partition(':')[0]}-{options.rows}"
    matrix = drawn(real, options.rows, options.cache / f"{stem}.npy")
    world = World(spec, matrix, queries[:_QUERIES], np.empty(0))
    path = options.cache / f"{stem}-limits.npy"
    if not path.exists():
        asked = list(world.queries)
        found = top_k_of_each(world.source, asked, NEAREST, None, [None] * len(asked))
        np.save(path, [ranked[-1][1] for ranked in found])
    return World(spec, matrix, world.queries, np.load(path))


def _measured(
    world: World, engine_name: str, size: int | None, bare: bool, is_whole: bool
) -> dict[str, Any]:
    descriptor = described(world.spec).descriptor
    metric = metrics.get(descriptor.metrics[0])
    engine = registry.get(engine_name)
    choice = choose_vectors(descriptor, metric, world.matrix, None, engine.multiple(size))
    assert choice is not None
    vector_map = VectorMap(choice.vector_map.geometry) if is_whole else choice.vector_map
    with _Peak() as peak:
        start = time.perf_counter()
        vectors = RowVectors(vector_map, world.matrix, ProgressListener())
        structure = engine.build(vectors, size, cores())
        seconds = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "structure")
        structure.save(path)
        stored = size_of(Path(path))
        structure = engine.load(path, len(world.matrix), vector_map.width)
        source = world.source
        coverage = Coverage(None, np.empty(0, np.intp), 0)
        tuned: tuple[Any, Any] = "", ""
        curve: list[tuple[int, int, float, float]] = []
        if not bare:
            sample = RecallSample.of(source, world.matrix, ProgressListener(), "rows")
            tuning = tune(structure, vector_map, sample, _WANTED, coverage.rows_of)
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

        def ours(effort: int, depth: int) -> Callable[[Row], NDArray[np.intp]]:
            approximate = ApproximateSource(
                source, lambda _: source, structure, vector_map, coverage, effort, depth
            )
            return lambda query: np.array([row for row, _ in top_k(approximate, query, NEAREST)])

        def alone(effort: int, depth: int) -> Callable[[Vectors], NDArray[np.int64]]:
            return lambda vector: structure.search(vector, depth, effort)

        if bare:
            projected = [vector_map(query[None])[0] for query in world.queries]
            curve = _curve(
                structure, NEAREST, lambda *point: _timed(world, alone(*point), projected)
            )
        else:
            for depth in _DEPTHS:
                curve += _curve(structure, depth, lambda *point: _timed(world, ours(*point)))
            tuned = _timed(world, ours(tuning.effort, tuning.depth))
    best = max(recall for _, _, recall, _ in curve)
    times = [
        min((ms for _, _, recall, ms in curve if recall >= wanted), default="")
        for wanted in _RECALLS
    ]
    row = [
        world.spec, len(world.matrix), engine_name, "bare" if bare else "ours", vector_map.width,
        round(seconds, 1), round(peak.megabytes), round(stored / len(world.matrix), 1),
        *times, best, *tuned,
    ]  # fmt: skip
    return {"row": row, "curve": curve}


def _curve(
    structure: Structure, depth: int, measure: Callable[[int, int], tuple[float, float]]
) -> list[tuple[int, int, float, float]]:
    """Return recall and milliseconds by rising effort, until it helps no more."""
    curve: list[tuple[int, int, float, float]] = []
    for effort in structure.efforts:
        point = (effort, depth, *measure(effort, depth))
        if curve and point[2] < curve[-1][2] + _GAIN:
            break
        curve.append(point)
    return curve


def _timed(
    world: World, search: Callable[[Any], NDArray[Any]], queries: Sequence[Any] | None = None
) -> tuple[float, float]:
    """Return the recall of the nearest ten, and the milliseconds of a query."""
    queries = list(world.queries) if queries is None else queries
    search(queries[0])
    start = time.perf_counter()
    found = [search(query) for query in queries]
    taken = time.perf_counter() - start
    source = world.source
    hits = [
        min(NEAREST, int(np.count_nonzero(source.exact(query, rows) <= limit)))
        for query, rows, limit in zip(world.queries, found, world.limits, strict=True)
    ]
    return round(sum(hits) / NEAREST / len(hits), 4), round(1000 * taken / len(queries), 3)


class _Peak:
    """The most memory that the process takes while a block runs, without mapped files."""

    def __enter__(self) -> _Peak:
        self.megabytes = 0.0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._run)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _run(self) -> None:
        while not self._over.wait(0.05):
            lines = Path("/proc/self/status").read_text().splitlines()
            anonymous = next(line for line in lines if line.startswith("RssAnon"))
            self.megabytes = max(self.megabytes, int(anonymous.split()[1]) / 1000)


if __name__ == "__main__":
    main()
