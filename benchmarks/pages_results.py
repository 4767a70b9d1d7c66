"""Make the page docs/results.md from what benchmarks/evaluate.py left under benchmarks/results/."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages_accurate import accurate_section
from pages_photographed import photographed_section

RESULTS = Path(__file__).parent / "results"

SETS = {
    "corel1k": "Corel-1k",
    "holidays_half": "Half of INRIA Holidays",
    "clothing": "Clothing",
    "fashion-articleType": "Fashion, by kind of article",
    "fashion-baseColour": "Fashion, by color",
    "ferrari": "Cars, by color",
}

ABOUT = {
    "corel1k": "Photographs from stock, squashed to 256 × 256; 10 classes of 100 (Wang).",
    "holidays_half": "Every other one of the first 300 groups, 400 px wide: a group is one scene,"
    " photographed 2 to 9 times.",
    "clothing": "clothing-dataset-small, about 400 × 533; 10 classes of 90.",
    "fashion-articleType": "Fashion Product Images: images of a catalog, 224 × 224; right is the"
    " same `articleType`.",
    "fashion-baseColour": "The same images; right is the same `baseColour`.",
    "ferrari": "Photographs of cars, 683 to 1024 px; a class is a color of the car. Nothing was"
    " chosen with figures of these in view.",
}

INTRODUCTION = """\
# Results

This page is made by `python benchmarks/pages.py`; edit that instead. The figures are those that
`python benchmarks/evaluate.py` left under `benchmarks/results/`; the commands stand below the
tables.

How good searches are, by [descriptor](glossary.md#descriptor), [preset](glossary.md#preset) and
[fusion](glossary.md#fusion), on labeled images: what is right for a query comes from classes or
groups, and the image itself is left out of its ranking. Measures, intervals and tests are those of
`cbir evaluate`: [evaluation.md](evaluation.md#measures) defines them. What is measured stands in
[descriptors.md](descriptors.md) and [fusion.md](fusion.md).

- No label was used but to count, and nothing was fitted on a set that is measured here: mixtures
  and PCA are from 600 unrelated photographs, the rows that fusions compare with from 200 of them,
  words of `orb` from the folders named with each set. Its idf, and in `hsv+orb` the distances that
  it is compared with, come from the index itself. The constants of the descriptors and the weights
  of the presets are few and round; they were chosen by hand, with figures of these sets in view.
- In parentheses behind a mAP stands its 95 % interval. Two rows should not be compared by their
  intervals, but query by query: see [Paired differences](#paired-differences).
- Tables of several sets begin with the best mAP on Corel-1k.
- ms is the median time that describing an image takes on one core of a small cloud machine,
  decoding not included; bytes is what its rows take in memory. See [Cost](#cost).
"""

PEERS = {
    "LIRE, SPACC (autocorrelogram in a pyramid)": (0.747, 0.511),
    "LIRE, SPJCD (JCD in a pyramid)": (0.720, 0.530),
    "LIRE, JCD": (0.709, 0.503),
    "LIRE, CEDD": (0.696, 0.493),
    "LIRE, PHOG": (0.516, 0.341),
    "HSV 8 × 12 × 3 over five regions by chi2, as in tutorials": (0.673, 0.444),
}
"""P@10 and mAP on Corel-1k."""

OURS = (
    "hsv",
    "correlogram",
    "jcd",
    "phog",
    "colorfisher",
    "fisher",
    "fast",
    "photos",
    "balanced",
    "cnn",
    "scenes",
    "products",
)

WAYS = {"adaptive": "scores, adaptive", "scores": "scores", "ranks": "ranks"}

SHOWN = {
    "all": {
        "P@1": "precision@1",
        "P@10": "precision@10",
        "P@20": "precision@20",
        "ANMRR": "anmrr",
        "nDCG": "ndcg",
    },
    "first": {
        "P@1": "precision@1",
        "R@10": "recall@10",
        "N-S": "ns_score",
        "ANMRR": "anmrr",
        "nDCG": "ndcg",
    },
}
"""Measures of the tables besides mAP, by protocol."""

Row = dict[str, Any]
Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured on one set."""

    name: str
    title: str
    facts: dict[str, Any]

    @property
    def rows(self) -> list[Row]:
        """The rows of the results, the best mAP first."""
        rows: list[Row] = self.facts["rows"]
        return rows

    @property
    def plain(self) -> list[Row]:
        """Those by usual metrics and plain scores."""
        return [row for row in self.rows if row["usual"] and row["way"] == "scores"]


def results_page() -> str:
    """Return the page on how good descriptors, presets and fusions are."""
    sets = [Measured(name, title, _read(name)) for name, title in SETS.items()]
    parts = [INTRODUCTION, _presets(sets), _beside_others(sets[0])]
    parts += [*map(_set, sets), _fusions(sets), _metrics(sets), _duplicates(sets)]
    parts += [_differences(sets), _costs(sets)]
    parts += [accurate_section(), photographed_section()]
    return "\n".join(filter(None, parts))


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RESULTS / f"evaluation-{name}.json").read_text())
    return document


def _presets(sets: Sequence[Measured]) -> str:
    wanted = [row for row in _across(sets) if row[0]["kind"] == "preset" or row[0]["name"] == "hsv"]
    rows = []
    for first, found in wanted:
        cost = [_milliseconds(first["describe_ms"]), f"{first['bytes']:,}"]
        rows.append([_name(first), _made_of(first), *map(_both, found), *cost])
    columns = ["preset", "of", *(one.title for one in sets), "ms", "bytes"]
    return (
        "## Presets\n\nmAP, and P@10 behind it; beside them the descriptor that an index gets when"
        " nothing is asked for. Weights, where they are not all the same, stand behind the"
        f" descriptors. ms is on {sets[0].title}.\n\n{_table(columns, rows, 2)}"
    )


def _beside_others(measured: Measured) -> str:
    figures = [(name, *found) for name, found in PEERS.items()]
    for row in measured.plain:
        if row["name"] in OURS:
            means = row["measures"]
            figures.append((_name(row), means["precision@10"], means["map"]))
    figures.sort(key=lambda one: -one[1])
    rows = [[name, *map(_number, found)] for name, *found in figures]
    table = _table(["system", "P@10", "mAP"], rows, 1)
    return (
        f"## Beside other systems\n\nOn {measured.title}. The figures of LIRE (Lucene Image"
        " Retrieval) and of the tutorials' histogram were measured on the same files, every image"
        f" querying the rest, but not by `evaluate.py`.\n\n{table}"
    )


def _set(measured: Measured) -> str:
    facts = measured.facts
    columns = SHOWN[facts["protocol"]]
    rows = []
    for row in measured.plain:
        if row["kind"] == "fusion":
            continue
        means = [_number(row["measures"][name]) for name in columns.values()]
        cost = [_milliseconds(row["describe_ms"]), f"{row['bytes']:,}"]
        rows.append([_name(row), row["metric"], _with_interval(row), *means, *cost])
    table = _table(["descriptor", "metric", "mAP", *columns, "ms", "bytes"], rows, 2)
    commands = [*facts.get("earlier_commands", []), facts["command"]]
    told = "\n\n".join(f"`{command}`" for command in commands)
    return f"## {measured.title}\n\n{_about(measured)}\n\n{table}\n{told}\n"


def _about(measured: Measured) -> str:
    """Say what was measured on, and how."""
    facts = measured.facts
    who = {"all": "every image queries the rest", "first": "the first of each group queries"}
    asked, possible = facts["asked_queries"], facts["possible_queries"]
    queries = f"{asked:,} queries"
    if asked < possible:
        queries += f" of {possible:,}, chosen evenly by a hash of their paths"
    text = f"{ABOUT[measured.name]} {facts['images']:,} images; {who[facts['protocol']]};"
    text += f" {queries}."
    empty = asked - facts["rows"][0]["queries"]
    if empty:
        text += f" For {empty:,} of them nothing is right; they do not count."
    if facts["exact_duplicates"]:
        text += f" {facts['exact_duplicates']:,} images are further copies of others, byte for byte"
        text += " ([what that does](#with-and-without-exact-duplicates))."
    if facts["trained_on"]:
        text += f" Words of `orb` from: {', '.join(facts['trained_on'])}."
    return text


def _fusions(sets: Sequence[Measured]) -> str:
    rows = []
    for first, found in _across(sets, lambda row: len(row["descriptors"]) > 1):
        rows.append([_name(first), WAYS[first["way"]], *map(_both, found)])
    columns = ["descriptors", "fusion", *(one.title for one in sets)]
    return (
        "## Fusions\n\nmAP, and P@10 behind it, of [each way to fuse](fusion.md). Weights are 1"
        f" unless they stand behind the descriptors.\n\n{_table(columns, rows, 2)}"
    )


def _metrics(sets: Sequence[Measured]) -> str:
    several = {row["name"] for one in sets for row in one.rows if not row["usual"]}
    if not several:
        return ""
    rows = [
        [_name(first), first["metric"], *map(_map, found)]
        for first, found in _across(sets, lambda row: row["name"] in several)
    ]
    columns = ["descriptor", "metric", *(one.title for one in sets)]
    return f"## Metrics\n\nmAP by each metric that makes sense.\n\n{_table(columns, rows, 2)}"


def _duplicates(sets: Sequence[Measured]) -> str:
    parts = []
    columns = [
        "descriptor",
        *(f"{name}{how}" for name in ("mAP", "P@1", "P@10") for how in ("", " without")),
    ]
    for one in sets:
        if not one.facts["exact_duplicates"]:
            continue
        rows = []
        for row in one.plain:
            cells = [_name(row)]
            for measure in ("map", "precision@1", "precision@10"):
                cells += [_number(row["measures"][measure])]
                cells += [_number(row["without_duplicates"]["measures"][measure])]
            rows.append(cells)
        parts.append(f"### {one.title}, with and without\n\n{_table(columns, rows, 1)}")
    heading = (
        "## With and without exact duplicates\n\nFiles of the same bytes as the query are found by"
        " anything, and flatter every measure. Without them they count neither as right nor as"
        " wrong."
    )
    clean = [one.title for one in sets if not one.facts["exact_duplicates"]]
    if clean:
        heading += f" There are none in: {', '.join(clean)}."
    return "\n".join([heading + "\n", *parts])


def _differences(sets: Sequence[Measured]) -> str:
    titles = [one.title for one in sets]
    rows = _across(sets, lambda row: row["usual"] and row["way"] == "scores")
    ways = _across(sets, lambda row: row["way"] != "scores")
    first = [[_name(row), *map(_difference, found)] for row, found in rows]
    second = [[_name(row), WAYS[row["way"]], *map(_difference, found)] for row, found in ways]
    gains = [
        [_name(row), f"`{name}`", *(_difference(one and _gain(one, name)) for one in found)]
        for row, found in rows
        for name in [gain["from"] for gain in row.get("gains", ())]
    ]
    text = (
        "## Paired differences\n\nBy how much the mAP is above that of the preset `balanced`, query"
        " by query; its 95 % interval, and p where that is 0.001 or more."
        f"\n\n{_table(['descriptor', *titles], first, 1)}"
    )
    if gains:
        text += (
            "\n### Networks with other descriptors\n\nBy how much the mAP of a fusion with `cnn` is"
            " above that of `cnn` alone, and of presets without it.\n\n"
            f"{_table(['fusion', 'compared with', *titles], gains, 2)}"
        )
    if not second:
        return text
    return (
        f"{text}\n### Adaptive weights, and ranks\n\nThe same for the difference to the same fusion"
        f" by plain scores.\n\n{_table(['descriptors', 'fusion', *titles], second, 2)}"
    )


def _gain(row: Row, name: str) -> Row:
    """Return a row with its difference to what is called `name`."""
    found = [gain for gain in row["gains"] if gain["from"] == name]
    return row | {"difference": found[0] if found else None}


def _costs(sets: Sequence[Measured]) -> str:
    rows = _across(sets, lambda row: row["usual"] and row["way"] == "scores")
    making = [[_name(row), f"{row['bytes']:,}", *map(_making, found)] for row, found in rows]
    asking = [[_name(row), *map(_asking, found)] for row, found in rows]
    titles = [one.title for one in sets]
    sizes = [f"{one.title}, {one.facts['images']:,}" for one in sets]
    return (
        "## Cost\n\nMedian milliseconds an image on one core: decoding + describing. Of presets"
        " and fusions it is the sum over the descriptors, with the image decoded once for each"
        " size that they want. bytes is what an image takes in the matrices."
        f"\n\n{_table(['descriptor', 'bytes', *titles], making, 1)}\n"
        "Median milliseconds to compare a query with all images and to rank them all, on one"
        f" thread.\n\n{_table(['descriptor', *sizes], asking, 1)}"
    )


def _across(
    sets: Sequence[Measured], wanted: Callable[[Row], bool] = lambda row: row["way"] == "scores"
) -> list[tuple[Row, list[Row | None]]]:
    """Return for each that was measured its row of the first set that has it, then of every set.

    They are in the order of the first set.
    """
    found: dict[tuple[str, ...], dict[str, Row]] = {}
    for one in sets:
        for row in filter(wanted, one.rows):
            key = row["name"], row["way"], row["metric"]
            found.setdefault(key, {})[one.name] = row
    return [
        (next(iter(rows.values())), [rows.get(one.name) for one in sets]) for rows in found.values()
    ]


def _name(row: Row) -> str:
    """Return the name, and the weights of a fusion."""
    name, _, weights = row["name"].partition("@")
    return f"`{name}` ({weights.replace(',', ', ')})" if weights else f"`{name}`"


def _made_of(row: Row) -> str:
    weights = row["weights"] or [1]
    parts = "+".join(row["descriptors"])
    if len(set(weights)) == 1:
        return f"`{parts}`"
    return f"`{parts}` ({', '.join(f'{weight:g}' for weight in weights)})"


def _both(row: Row | None) -> str:
    if row is None:
        return "–"
    return f"{_number(row['measures']['map'])}; {_number(row['measures']['precision@10'])}"


def _map(row: Row | None) -> str:
    return "–" if row is None else _number(row["measures"]["map"])


def _with_interval(row: Row) -> str:
    low, high = map(_number, row["intervals"]["map"])
    return f"{_number(row['measures']['map'])} ({low} to {high})"


def _difference(row: Row | None) -> str:
    if row is None or row["difference"] is None:
        return "–"
    found = row["difference"]
    low, high = found["interval"]
    p_value = f", p {found['p_value']:.3f}" if found["p_value"] >= 0.001 else ""
    return f"{found['map']:+.3f} ({low:+.3f} to {high:+.3f}){p_value}"


def _making(row: Row | None) -> str:
    if row is None:
        return "–"
    return f"{_milliseconds(row['decode_ms'])} + {_milliseconds(row['describe_ms'])}"


def _asking(row: Row | None) -> str:
    return "–" if row is None else _milliseconds(row["query_ms"])


def _number(value: float) -> str:
    return f"{value:.3f}"


def _milliseconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _table(columns: Cells, rows: Iterable[Cells], names: int) -> str:
    """Return a table whose first columns are names, and whose others are numbers."""
    rules = ["---" if place < names else "---:" for place in range(len(columns))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (columns, rules, *rows))
