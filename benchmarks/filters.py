"""What ``--where`` costs, and that it finds what the filtered full ranking has.

Example::

    python benchmarks/filters.py fashion --metadata fashion/styles.csv --rows 1000000

Random conditions over the columns of a table: each a comparison, or several joined by AND and OR.
For each, the results of a search with it are compared with the full ranking, filtered by pandas.
Then searches are timed in turn with and without a condition that is new each time; of the
differences, the median and the largest but for one of a hundred. The same with the rows and the
metadata repeated, and for whole commands, of which the first call is not counted.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas
from common import report, run, seconds

import cbir
from cbir.stores import open_store
from cbir.stores.model import Rows, Snapshot
from cbir.stores.paths import PathList

_CONDITIONS = 200
_COMMANDS = 15

Mask = Callable[[pandas.DataFrame], "pandas.Series[bool]"]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--metadata", required=True)
    parser.add_argument("--rows", type=int, action="append", default=[], help="repeatable")
    parser.add_argument("--descriptor", action="append", help="repeatable; default hsv and phash")
    options = parser.parse_args()
    aliases = options.descriptor or ["hsv", "phash"]
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "index.csv")
        cbir.index(str(options.dataset), path, aliases, metadata=options.metadata)
        index = cbir.open(path)
        query = index.shown(index.paths[0])
        searches = [*aliases, "+".join(aliases)]
        rows = [[_wrong(path, one), *_measure(path, one, query)] for one in searches]
        for count in options.rows:
            large = str(Path(folder) / f"large-{count}.csv")
            _repeat(open_store(path).snapshot(), large, count, aliases[-1])
            rows.append(["", *_measure(large, aliases[-1], query)])
    columns = [
        "wrong of 200", "rows", "descriptor", "without ms", "more ms", "most ms",
        "command s", "more s",
    ]  # fmt: skip
    report(f"filters-{options.dataset.name}", columns, rows)


def _frame(index: cbir.Index) -> pandas.DataFrame:
    """Return the metadata, nothing and NA missing in columns of numbers."""
    columns = {}
    for name, type_ in index.columns.items():
        if type_ in ("number", "category") and name not in ("bytes", "width", "height"):
            texts = pandas.Series(index.labels(name)).replace("", None)
            columns[name] = pandas.to_numeric(texts, "coerce") if type_ == "number" else texts
    return pandas.DataFrame(columns)


def _condition(rng: random.Random, frame: pandas.DataFrame, depth: int = 2) -> tuple[str, Mask]:
    """Return a random condition, and the same for pandas."""
    if depth and rng.random() < 0.6:
        (one, left), (other, right) = (_condition(rng, frame, depth - 1) for _ in range(2))
        if rng.random() < 0.5:
            return f"({one} AND {other})", lambda some: left(some) & right(some)
        return f"({one} OR {other})", lambda some: left(some) | right(some)
    name = rng.choice(list(frame.columns))
    values = [rng.choice(frame[name].dropna().tolist()) for _ in range(2)]
    if frame[name].dtype.kind in "if":
        least = min(values)
        return f'"{name}" >= {least:g}', lambda some: some[name] >= least
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f'"{name}" IN ({quoted})', lambda some: some[name].isin(values)


def _wrong(path: str, descriptor: str) -> int:
    """Return for how many conditions a search finds something else than the full ranking has."""
    index, rng, wrong = cbir.open(path), random.Random(0), 0
    frame = _frame(index)
    row_of = {path: row for row, path in enumerate(index.paths)}
    for number in range(_CONDITIONS):
        where, mask_of = _condition(rng, frame)
        query = index.shown(index.paths[number % len(index)])
        mask = mask_of(frame).to_numpy(bool)
        full = index.search(query, len(index), descriptor=descriptor, columns="path").matches
        wanted = [one.path for one in full if mask[row_of[one.texts["path"]]]][:20]
        found = index.search(query, 20, descriptor=descriptor, where=where).matches
        wrong += [one.path for one in found] != wanted
    return wrong


def _measure(path: str, descriptor: str, query: str) -> list[object]:
    index, rng = cbir.open(path), random.Random(1)
    frame, searcher = _frame(index), index.searcher(descriptor)
    description = searcher.describe(query)
    plain, more = [], []

    def search(where: str | None) -> None:
        eligible = None if where is None else index.matching(where)
        searcher.top_k(description, 3, eligible=eligible)

    for number in range(100 + 5):
        where, _ = _condition(rng, frame)
        without = seconds(lambda: search(None))
        extra = seconds(lambda where=where: search(where)) - without  # type: ignore[misc]
        if number >= 5:  # the columns are read, and kernels compiled
            plain.append(without)
            more.append(extra)
    more.sort()
    return [
        len(index),
        descriptor,
        round(1000 * statistics.median(plain), 2),
        round(1000 * statistics.median(more), 2),
        round(1000 * more[-2], 2),
        *_commands(path, descriptor, query, frame),
    ]


def _commands(path: str, descriptor: str, query: str, frame: pandas.DataFrame) -> list[float]:
    rng = random.Random(2)
    command = ["search", "--no-montage", "-i", path, "-q", query, "--descriptor", descriptor]
    times: list[list[float]] = [[], []]
    for number in range(_COMMANDS + 1):
        where, _ = _condition(rng, frame)
        for some, more in zip(times, ([], ["--where", where]), strict=True):
            taken = seconds(lambda more=more: run(*command, *more))  # type: ignore[misc]
            if number:
                some.append(taken)
    without, with_it = map(statistics.median, times)
    return [round(without, 3), round(with_it - without, 3)]


def _repeat(snapshot: Snapshot, path: str, count: int, alias: str) -> None:
    """Write an index of `count` rows that repeats those of `snapshot`, with one descriptor."""
    source = np.arange(count) % len(snapshot.rows)
    paths = PathList.of(f"{row:09}/{snapshot.rows.paths[int(i)]}" for row, i in enumerate(source))
    metadata = {name: column.take(source) for name, column in snapshot.rows.metadata.items()}
    manifest = snapshot.manifest
    entry = manifest.entry(alias)
    with open_store(path).writer() as writer:
        writer.commit(
            type(manifest)(manifest.root, (entry,), manifest.program),
            Rows(paths, snapshot.rows.facts[source], metadata),
            {alias: snapshot.matrix(alias)[source]},
        )


if __name__ == "__main__":
    main()
