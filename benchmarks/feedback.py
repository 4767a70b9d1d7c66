"""What searching by several images finds: together, and with feedback.

Example::

    cbir index corel1k --index corel1k.csv --preset photos --descriptor hsv
    python benchmarks/feedback.py corel1k.csv --by hsv --by photos
    python benchmarks/feedback.py holidays.csv --kind '^(....)' --rounds 0 --by photos

Images in one folder are of one kind, unless told otherwise. What was searched by, or marked, is
left out of every ranking that is measured, so that nobody gains by finding what is known. The
formulas themselves were chosen on Corel-1k, clothing and Holidays, by other descriptors than
`photos`.

together: 2 and 3 images of a kind, drawn at random, are searched for: by the first alone, and by
all together; also by the mean of the distances to all, and by the nearest of them. feedback: an
image is searched for; of the first 20 results the first 3 right ones are liked and the first 3
wrong ones disliked, and the same is done with the results of that. Rankings before and after a
round are measured on the same images.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from common import report
from numpy.typing import NDArray

import cbir
from cbir.core.threads import one_thread_each
from cbir.descriptors.presets import PRESETS
from cbir.search.examples.formulas import fed_back, soft_minimum

PAGE = 20
"""Results that somebody looks at."""

MARKS = 3
"""Right ones, and wrong ones, that are marked in a round."""

DRAWN = 15
"""Times that images are drawn of each kind."""

Ranking = NDArray[np.float64]
Measures = tuple[float, float]


class World:
    """An index whose images have kinds, searched in one way.

    Parameters
    ----------
    index : cbir.Index
    by : str
        A preset, or descriptors.
    kind : str
        A regular expression whose group is the kind of an image, by its path.
    """

    def __init__(self, index: cbir.Index, by: str, kind: str) -> None:
        how = {"preset" if by in PRESETS else "descriptor": by}
        searcher: Any = index.searcher(**how)  # type: ignore[arg-type]
        self.kinds = np.array([re.findall(kind, path)[0] for path in index.paths])
        self.distances: Callable[[int], Ranking] = lru_cache(maxsize=None)(
            lambda row: searcher.distances(searcher.indexed(row))
        )

    def together(
        self, rows: Sequence[int], combine: Callable[[Ranking], Ranking] = soft_minimum
    ) -> Ranking:
        """Return the distances of all images to several."""
        return combine(np.array([self.distances(row) for row in rows]))

    def measures(self, ranking: Ranking, kind: str, out: Sequence[int]) -> Measures:
        """Return precision at 10 and average precision, some images left out."""
        is_right = (self.kinds == kind)[_order(ranking, out)]
        ranks = np.flatnonzero(is_right) + 1
        precisions = np.arange(1, len(ranks) + 1) / ranks
        return float(is_right[:10].mean()), float(precisions.mean())


def _order(ranking: Ranking, out: Sequence[int]) -> NDArray[np.intp]:
    order = np.argsort(ranking, kind="stable")
    return order[~np.isin(order, out)]


COMBINATIONS: dict[str, Callable[[Ranking], Ranking]] = {
    "together": soft_minimum,
    "by their mean": lambda distances: distances.mean(axis=0),
    "by the nearest": lambda distances: distances.min(axis=0),
}


def together(
    world: World, count: int, combine: Callable[[Ranking], Ranking]
) -> Iterator[tuple[Measures, Measures]]:
    """Yield what one image of a kind finds, and what several do together."""
    rng = np.random.default_rng(count)
    for kind in np.unique(world.kinds):
        members = np.flatnonzero(world.kinds == kind)
        for _ in range(DRAWN if len(members) > count else 0):
            rows = rng.choice(members, count, replace=False).tolist()
            before, after = world.distances(rows[0]), world.together(rows, combine)
            yield world.measures(before, kind, rows), world.measures(after, kind, rows)


def feedback(
    world: World, query: int, rounds: int, dislikes: bool
) -> list[tuple[Measures, Measures]]:
    """Return, round by round, what a query finds by itself and with what was marked."""
    kind = world.kinds[query]
    liked: list[int] = []
    disliked: list[int] = []
    ranking = first = world.distances(query)
    found = []
    for _ in range(rounds):
        page = _order(ranking, [query, *liked, *disliked])[:PAGE]
        is_right = world.kinds[page] == kind
        liked += page[is_right][:MARKS].tolist()
        disliked += page[~is_right][:MARKS].tolist()
        ranking = world.together([query, *liked])
        if disliked and dislikes:
            ranking = fed_back(ranking, world.together(disliked))
        out = [query, *liked, *disliked]
        found.append((world.measures(first, kind, out), world.measures(ranking, kind, out)))
    return found


def rows_of(world: World, step: int, rounds: int) -> Iterator[list[Any]]:
    """Yield the lines of the table for one way to search."""
    for count in (2, 3):
        for what, combine in COMBINATIONS.items():
            yield [f"{count}, {what}", *_means(list(together(world, count, combine)))]
    queries = range(0, len(world.kinds), step)
    for what, dislikes in (("likes only", False), ("likes and dislikes", True)):
        each = (feedback(world, query, rounds, dislikes) for query in queries)
        for number, found in enumerate(zip(*each, strict=True), 1):
            yield [f"{what}, round {number}", *_means(found)]


def _means(found: Sequence[tuple[Measures, Measures]]) -> list[float]:
    (precision, average), (precision_after, average_after) = np.mean(found, axis=0).tolist()
    figures = precision, precision_after, average, average_after
    return [round(figure, 3) for figure in figures]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("indexes", nargs="+", type=Path)
    parser.add_argument("--by", action="append", required=True, help="a preset or descriptors")
    parser.add_argument("--step", type=int, default=10, help="every so many images query")
    parser.add_argument("--rounds", type=int, default=2, help="of feedback")
    parser.add_argument("--kind", default="^(.*)/", help="a regular expression for paths")
    options = parser.parse_args()
    lines: list[list[Any]] = []
    with one_thread_each():
        for path in options.indexes:
            index = cbir.open(str(path))
            for by in options.by:
                found = rows_of(World(index, by, options.kind), options.step, options.rounds)
                lines += [[path.stem, by, *line] for line in found]
    columns = ["images", "by", "search", "P@10 before", "P@10 after", "mAP before", "mAP after"]
    report("feedback-" + "-".join(path.stem for path in options.indexes), columns, lines)


if __name__ == "__main__":
    main()
