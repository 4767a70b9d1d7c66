"""How an evaluation is printed: tables for people and pages, JSON and CSV for programs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np

from cbir.cli.output import write_csv, write_text
from cbir.core.errors import printable
from cbir.core.safe_paths import is_formula
from cbir.core.text import as_utf8
from cbir.evaluation.document import evaluation_document
from cbir.evaluation.headings import headings_of, three_decimals, with_interval
from cbir.evaluation.model import MEASURES, Evaluation, Run

FORMATS = ("table", "json", "csv", "markdown")

WIDTH = 100
"""Columns of a terminal that a table keeps to, by breaking long names."""

_NAME_WIDTH = 22
"""What a metric with the stages of its search takes of it."""


def print_evaluation(evaluation: Evaluation, format_: str, by_class: bool) -> None:
    """Print an evaluation to standard output.

    Parameters
    ----------
    evaluation : Evaluation
    format_ : str
        One of :data:`FORMATS`.
    by_class : bool
        Also print the measures of each class.
    """
    if format_ == "json":
        document = evaluation_document(evaluation, by_class)
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
        write_text(_readable(text))
    elif format_ == "csv":
        write_csv(_csv_rows(evaluation, by_class))
    else:
        lay_out = _as_text if format_ == "table" else _as_markdown
        write_text("\n\n".join(lay_out(table) for table in _tables(evaluation, by_class)))


def has_duplicates(run: Run) -> bool:
    """Say whether exact duplicates of queries make a difference to a run."""
    all_, without = run.scores.values, run.scores_without_duplicates.values
    return any(not np.array_equal(all_[name], without[name], equal_nan=True) for name in all_)


def _readable(text: str) -> str:
    """Replace bytes that are not UTF-8, which names of folders may bring along."""
    return as_utf8(text).decode(errors="replace")


@dataclass(frozen=True, slots=True)
class _Table:
    """Cells of text; the first `names` columns are names, the others numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int


def _tables(evaluation: Evaluation, by_class: bool) -> list[_Table]:
    tables = [_runs_table(evaluation)]
    if any(evaluation.best(run) is not run for run in evaluation.runs):
        tables.append(_differences_table(evaluation))
    if by_class:
        headings = {"map": "mAP", **headings_of(evaluation.protocol)}
        tables += [_classes_table(run, headings) for run in evaluation.runs]
    return tables


def _runs_table(evaluation: Evaluation) -> _Table:
    headings = headings_of(evaluation.protocol)
    columns = ["descriptor", "metric", "mAP ±95 %", *headings.values(), "ms/query", "bytes"]
    rows = []
    for run in evaluation.runs:
        cost = [f"{run.ms_per_query:.2f}", f"{run.bytes_per_image:,}"]
        rows.append([run.descriptor, run.how, *_measures(run, headings), *cost])
        if has_duplicates(run):
            without = replace(run, scores=run.scores_without_duplicates)
            rows.append(["  without duplicates", "", *_measures(without, headings), "", ""])
    return _Table("", columns, rows, 2)


def _measures(run: Run, headings: Iterable[str]) -> list[str]:
    mean = with_interval(run.mean("map"), *run.interval("map"))
    return [mean, *(three_decimals(run.mean(measure)) for measure in headings)]


def _differences_table(evaluation: Evaluation) -> _Table:
    rows = []
    for run in evaluation.runs:
        best = evaluation.best(run)
        if run is best:
            continue
        found = run.compare(best)
        interval = f"{found.low:+.3f} to {found.high:+.3f}"
        p_value = "<0.001" if found.p_value < 0.001 else f"{found.p_value:.3f}"
        rows.append([run.descriptor, run.how, f"{found.mean:+.3f}", interval, p_value])
    first = evaluation.runs[0]
    against = (
        f"{first.descriptor}, {first.metric}" if first.setup is None else "the best of a setup"
    )
    title = f"Difference in mAP from {against}, query by query"
    return _Table(title, ["descriptor", "metric", "mAP", "95 % interval", "p"], rows, 2)


def _classes_table(run: Run, headings: Mapping[str, str]) -> _Table:
    values = [run.by_class(measure) for measure in headings]
    rows = [
        [printable(label), f"{count:,}", *(three_decimals(one[label]) for one in values)]
        for label, count in run.queries_by_class().items()
    ]
    columns = ["class", "queries", *headings.values()]
    return _Table(run.title, columns, rows, 1)


def _as_text(table: _Table) -> str:
    rows = [_with_lines(row, table.names) for row in (table.columns, *table.rows)]
    widths = [
        max(len(line) for cell in cells for line in cell) for cells in zip(*rows, strict=True)
    ]
    widths[0] = _first_width(table, widths)
    lines = [table.title] if table.title else []
    for first, *cells in rows:
        broken = [_broken(first[0], widths[0]), *cells]
        for line in zip_longest(*broken, fillvalue=""):
            padded = [
                cell.ljust(width) if column < table.names else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _with_lines(row: Sequence[str], names: int) -> list[list[str]]:
    """Return the lines of each cell; names behind the first are broken behind their commas."""
    return [
        _broken(cell, _NAME_WIDTH, ", ") if 0 < column < names else [cell]
        for column, cell in enumerate(row)
    ]


def _first_width(table: _Table, widths: Sequence[int]) -> int:
    """Return what the first column may take, so that all columns fit if its names break."""
    room = WIDTH - sum(widths[1:]) - 2 * len(widths[1:])
    broken = [part for row in (table.columns, *table.rows) for part in _broken(row[0], room)]
    return max(map(len, broken))


def _broken(name: str, width: int, behind: str = "+") -> list[str]:
    """Break a name, that of a fusion behind its plus signs; lines that follow are indented.

    Examples
    --------
    >>> _broken("hsv+centrist+fisher", 14)
    ['hsv+centrist+', '  fisher']
    >>> _broken("fused, k-reciprocal, 100 verified", 22, ", ")
    ['fused, k-reciprocal,', '  100 verified']
    """
    lines = [""]
    for part in name.replace(behind, f"{behind}\0").split("\0"):
        if lines[-1].strip() and len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("  ")
        lines[-1] += part
    return [line.rstrip() for line in lines]


def _as_markdown(table: _Table) -> str:
    rules = ["---" if column < table.names else "---:" for column in range(len(table.columns))]
    rows = [table.columns, rules, *table.rows]
    lines = [f"{table.title}:", ""] if table.title else []
    for row in rows:
        cells = [re.sub(r"([|<>&`*\[\]\\])", r"\\\1", cell.strip()) for cell in row]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _csv_rows(evaluation: Evaluation, by_class: bool) -> list[list[Any]]:
    """Return a row a run, and one more for each of its classes."""
    measures = [name.replace("@", "_") for name in MEASURES]
    has_setups = any(run.setup is not None for run in evaluation.runs)
    columns = ["descriptor", "metric", *(["setup"] if has_setups else [])]
    columns += [*(["class"] if by_class else []), "queries"]
    columns += [*measures, "map_low", "map_high"]
    columns += [f"{name}_without_duplicates" for name in measures]
    rows: list[list[Any]] = [[*columns, "ms_per_query", "bytes_per_image"]]
    for run in evaluation.runs:
        for label, count, values in _csv_values(run, by_class):
            class_ = [_class_for_csv(label)] if by_class else []
            setup = [run.setup] if has_setups else []
            named = [run.descriptor, run.metric, *setup, *class_, count]
            cells = ["" if np.isnan(value) else repr(value) for value in values]
            rows.append([*named, *cells, repr(run.ms_per_query), run.bytes_per_image])
    return rows


def _class_for_csv(label: str) -> str:
    """Return a class, which may be a folder, so that no spreadsheet computes it."""
    readable = _readable(label)
    return f"./{readable}" if is_formula(readable) else readable


def _csv_values(run: Run, by_class: bool) -> Iterator[tuple[str, int, list[float]]]:
    """Yield the class, the queries and the numbers of each row; the class of all is empty."""
    without = replace(run, scores=run.scores_without_duplicates)
    means, means_without = ([one.mean(name) for name in MEASURES] for one in (run, without))
    yield "", run.scores.counted, [*means, *run.interval("map"), *means_without]
    if by_class:
        classes, others = ([one.by_class(name) for name in MEASURES] for one in (run, without))
        for label, count in run.queries_by_class().items():
            values = [one[label] for one in classes]
            values_without = [one.get(label, math.nan) for one in others]
            yield label, count, [*values, math.nan, math.nan, *values_without]
