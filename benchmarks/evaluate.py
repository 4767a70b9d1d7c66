"""How good descriptors, presets and fusions are on labeled images, and what they cost.

Examples::

    python benchmarks/evaluate.py corel1k --train background
    python benchmarks/evaluate.py holidays --truth 'groups:^(....)' --train background \\
        --fusion hsv+orb --fusion hsv+hog@1,0.5 --adaptive --ranks
    python benchmarks/evaluate.py fashion --truth styles.csv --label articleType --sample 1000
    python benchmarks/evaluate.py corel1k --descriptor asmk --add

The truth, the protocols and the measures are those of ``cbir evaluate``. Without ``--descriptor``
all that come with the package are measured; the presets are measured always. Everything is in one
index, so that an image is decoded once for each size. Trained descriptors that no model comes
with learn from the folders of ``--train``, which should not be the one that is measured. With
``--add``, what is measured takes the place of its earlier rows, and the other rows stay.

Each is compared, query by query, with the preset `balanced`; a fusion by adaptive weights or by
ranks, with the same fusion by plain scores. Beside the measures stand the medians, over images of
the dataset, of what decoding to the sizes that are wanted and describing take on one core.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, keep, print_table, seconds
from labeled import add_options, make_index, read_queries
from numpy.typing import NDArray

import cbir
from cbir.core.threads import one_thread_each
from cbir.descriptors.base import Descriptor
from cbir.descriptors.presets import PRESETS
from cbir.descriptors.registry import parse, ready_made
from cbir.descriptors.trained import TrainedDescriptor
from cbir.evaluation import MEASURES, GroundTruth, Queries, Scores, evaluate
from cbir.evaluation.statistics import paired_difference
from cbir.images.encoded_image import EncodedImage

VARIANTS = ("hsv:layout=ellipse", "hsv:layout=none", "orb:upright=yes")
"""Descriptors with other parameters that are measured beside those with the defaults."""

REFERENCE = "balanced"
"""What everything is compared with."""

NETWORK, CLASSICAL = "cnn", ("photos", "balanced")
"""With what a fusion is compared, besides, that has a network in it: the network alone, and presets
without one."""

WITH_INTERVALS = ("map", "precision@10")

IMAGES = 100
"""At least so many, if there are, of which the median time is taken."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contestant:
    """What is measured.

    Attributes
    ----------
    kind : {"descriptor", "preset", "fusion"}
    name : str
        As the pages have it.
    specs : tuple of str
        The descriptors.
    weights : tuple of float or None
        In a fusion, what they count; None: 1 each.
    way : {"scores", "adaptive", "ranks"}
        How they are fused.
    metric : str or None
        None for the usual one.
    """

    kind: str
    name: str
    specs: tuple[str, ...]
    weights: tuple[float, ...] | None = None
    way: str = "scores"
    metric: str | None = None

    def searcher(self, index: cbir.Index, aliases: Mapping[str, str]) -> Any:
        """Return what searches the index."""
        label = "+".join(aliases[spec] for spec in self.specs)
        if len(self.specs) == 1:
            return index.searcher(label, self.metric)
        fusion, adaptive = ("ranks" if self.way == "ranks" else "scores"), self.way == "adaptive"
        return index.searcher(label, fusion=fusion, weights=self.weights, adaptive=adaptive)


@dataclass(frozen=True, slots=True)
class Costs:
    """Median milliseconds an image: of decoding by size, of describing by spec."""

    decode: Mapping[int | None, float]
    describe: Mapping[str, float]

    def of(self, specs: Iterable[str]) -> dict[str, float]:
        """Return what several descriptors take together, each size decoded once."""
        specs = list(specs)
        sizes = {parse(spec).descriptor.working_size for spec in specs}
        return {
            "decode_ms": round(sum(self.decode[size] for size in sizes), 3),
            "describe_ms": round(sum(self.describe[spec] for spec in specs), 3),
        }


def main() -> None:
    """Measure, print, keep."""
    options = _options()
    contestants = chosen(options)
    specs = dict.fromkeys(spec for one in contestants for spec in one.specs)
    aliases = {spec: _alias(spec, number) for number, spec in enumerate(specs)}
    with tempfile.TemporaryDirectory() as folder:
        by_alias = {alias: spec for spec, alias in aliases.items()}
        index = make_index(options.dataset, by_alias, options.train, Path(folder))
        truth, queries = read_queries(index, options)
        asked = sample(queries, index.paths, options.sample)
        rows = measure_all(index, truth, asked, contestants, aliases)
    print_table(
        ["descriptor", "way", "metric", "mAP", "P@10", "ms", "bytes"], [_line(row) for row in rows]
    )
    facts = {
        "dataset": options.dataset.name,
        "label": options.label,
        "images": len(index),
        "exact_duplicates": len(index) - len(set(index.hashes)),
        "protocol": queries.protocol,
        "possible_queries": len(queries.queries),
        "asked_queries": len(asked.queries),
        "trained_on": [train.name for train in options.train],
    }
    name = "-".join(filter(None, ("evaluation", options.dataset.name, options.label)))
    keep(name, facts | (_added(name, facts, rows) if options.add else {"rows": rows}))


def _added(
    name: str, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return all rows, the best mAP first, and the commands that measured the earlier ones."""
    earlier = json.loads((RESULTS / f"{name}.json").read_text())
    asked = ("images", "protocol", "asked_queries")
    if any(earlier[fact] != facts[fact] for fact in asked):
        raise SystemExit(f"{name}: other images or queries than those of the earlier rows")
    measured = {(row["name"], row["way"], row["metric"]) for row in rows}
    stay = [
        row for row in earlier["rows"] if (row["name"], row["way"], row["metric"]) not in measured
    ]
    return {
        "rows": sorted([*rows, *stay], key=lambda row: -row["measures"]["map"]),
        "earlier_commands": [*earlier.get("earlier_commands", []), earlier["command"]],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_options(parser)
    parser.add_argument("--descriptor", action="append", help="repeatable; default all built in")
    parser.add_argument("--all-metrics", action="store_true", help="besides the usual ones")
    parser.add_argument(
        "--fusion", action="append", default=[], help="repeatable: hsv+hog, or hsv+hog@1,0.5"
    )
    parser.add_argument("--adaptive", action="store_true", help="fuse with adaptive weights, too")
    parser.add_argument("--ranks", action="store_true", help="fuse by ranks, too")
    parser.add_argument("--sample", type=int, help="queries at most, evenly by a hash of the path")
    parser.add_argument("--add", action="store_true", help="to the rows of an earlier run")
    return parser.parse_args()


def learns_from_labels(cls: type[Descriptor]) -> bool:
    """Say whether a descriptor takes labels, as those that are measured by."""
    return issubclass(cls, TrainedDescriptor) and cls.learns_from_labels


def chosen(options: argparse.Namespace) -> list[Contestant]:
    """List what is to be measured."""
    contestants: list[Contestant] = []
    by_themselves = [one.name for one in ready_made() if not learns_from_labels(one)]
    for spec in options.descriptor or [*by_themselves, *VARIANTS]:
        others = parse(spec).descriptor.metrics[1:] if options.all_metrics else ()
        usual = Contestant("descriptor", spec, (spec,))
        contestants += [usual, *(replace(usual, metric=metric) for metric in others)]
    fusions = [
        Contestant("preset", preset.name, preset.specs, preset.weights)
        for preset in PRESETS.values()
    ]
    fusions += map(_fusion, options.fusion)
    ways = ["adaptive"] * options.adaptive + ["ranks"] * options.ranks
    for fusion in fusions:
        contestants += [fusion, *(replace(fusion, way=way) for way in ways)]
    return contestants


def _fusion(text: str) -> Contestant:
    names, _, numbers = text.partition("@")
    weights = tuple(map(float, numbers.split(","))) if numbers else None
    return Contestant("fusion", text, tuple(names.split("+")), weights)


def _alias(spec: str, number: int) -> str:
    """Return the usual alias, or another one where parameters are given."""
    return f"d{number}" if ":" in spec else spec


def sample(queries: Queries, paths: Sequence[str], count: int | None) -> Queries:
    """Return as many queries, evenly by a hash of their paths in the dataset, in their order."""

    def rank(number: int) -> bytes:
        row = queries.queries[number].row
        assert row is not None
        return hashlib.sha256(os.fsencode(paths[row])).digest()

    numbers = sorted(range(len(queries.queries)), key=rank)[:count]
    return replace(queries, queries=tuple(queries.queries[number] for number in sorted(numbers)))


def measure_all(
    index: cbir.Index,
    truth: GroundTruth,
    queries: Queries,
    contestants: Sequence[Contestant],
    aliases: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return a row of the results for each contestant, the best mAP first."""
    costs = measure_costs(index, aliases)
    duplicates = len(set(index.hashes)) < len(index)
    rows, found = [], {}
    for one in contestants:
        # One at a time: what all together would return is some hundred megabytes.
        evaluation = evaluate(index, truth, queries, [one.searcher(index, aliases)])
        (run,) = evaluation.runs
        found[one] = run.scores.values["map"]
        rows.append(
            {
                "kind": one.kind,
                "name": one.name,
                "descriptors": one.specs,
                "weights": one.weights,
                "way": one.way,
                "metric": run.metric,
                "usual": one.metric is None,
                **_measures(run.scores),
                "without_duplicates": _measures(run.scores_without_duplicates)
                if duplicates
                else None,
                **costs.of(one.specs),
                "query_ms": round(run.ms_per_query, 3),
                "bytes": run.bytes_per_image,
            }
        )
        print(f"{one.name} ({one.way}, {run.metric}): mAP {run.mean('map'):.4f}", flush=True)
    for row, one in zip(rows, contestants, strict=True):
        row["difference"] = difference(one, found)
        row["gains"] = gains(one, found)
    return sorted(rows, key=lambda row: -row["measures"]["map"])


def measure_costs(index: cbir.Index, aliases: Mapping[str, str]) -> Costs:
    """Measure what decoding and describing take, on one core."""
    paths = [index.shown(path) for path in index.paths[:: max(1, len(index) // (IMAGES + 1))]]
    descriptors = {
        spec: index.single_searcher(alias).named.descriptor for spec, alias in aliases.items()
    }
    decode, describe = {}, {}
    with one_thread_each():
        for size in {one.working_size for one in descriptors.values()}:
            decode[size] = _median(partial(EncodedImage.open(path).pixels, size) for path in paths)
        for spec, one in descriptors.items():
            images = (EncodedImage.open(path).pixels(one.working_size) for path in paths)
            describe[spec] = _median(partial(one.describe, image) for image in images)
    return Costs(decode, describe)


def _median(works: Iterable[Any]) -> float:
    """Return the median in milliseconds; the first, which sets things up, does not count."""
    _, *times = [seconds(work) for work in works]
    return 1000 * statistics.median(times)


def _measures(scores: Scores) -> dict[str, Any]:
    return {
        "queries": scores.counted,
        "measures": {name: round(scores.mean(name), 4) for name in MEASURES},
        "intervals": {
            name: [round(end, 4) for end in scores.interval(name)] for name in WITH_INTERVALS
        },
    }


def difference(one: Contestant, found: Mapping[Contestant, Values]) -> dict[str, Any] | None:
    """Compare the mAP of a contestant with that of what it is held against, if that is there."""
    if one.way == "scores":
        others = [other for other in found if (other.name, other.way) == (REFERENCE, "scores")]
    else:
        others = [replace(one, way="scores")]
    return _difference(one, others[0], found) if others and others[0] != one else None


def gains(one: Contestant, found: Mapping[Contestant, Values]) -> list[dict[str, Any]]:
    """Compare the mAP of a fusion that has a network in it with those of its parts."""
    if NETWORK not in one.specs or len(one.specs) == 1 or one.way != "scores":
        return []
    wanted = (NETWORK, *CLASSICAL)
    others = [
        two for two in found if two.name in wanted and (two.way, two.metric) == ("scores", None)
    ]
    return [_difference(one, other, found) for other in others]


def _difference(
    one: Contestant, other: Contestant, found: Mapping[Contestant, Values]
) -> dict[str, Any]:
    result = paired_difference(found[one], found[other])
    return {
        "from": other.name,
        "queries": result.queries,
        "map": round(result.mean, 4),
        "interval": [round(result.low, 4), round(result.high, 4)],
        "p_value": result.p_value,
    }


def _line(row: Mapping[str, Any]) -> list[Any]:
    measures = row["measures"]
    cost = [row["describe_ms"], row["bytes"]]
    return [
        row["name"],
        row["way"],
        row["metric"],
        measures["map"],
        measures["precision@10"],
        *cost,
    ]


if __name__ == "__main__":
    main()
