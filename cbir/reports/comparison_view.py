"""Several stored evaluations side by side, ready to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cbir.evaluation.stored_model import StoredEvaluation, StoredRun
from cbir.reports.curves_svg import COLORS, Chart, chart
from cbir.reports.evaluation_view import measured, measures, run_label

_COMMON = ("truth", "protocol", "where", "images", "queries")
"""What evaluations must agree in, or else their measures are about different questions."""


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Evaluations side by side on the page.

    Attributes
    ----------
    differences : sequence of str
        Why the measures cannot be compared; empty if they can.
    columns : sequence of str
        The headings of the table; the first three are names.
    rows : sequence of sequence of str
        Runs of the same descriptor, metric and setup stand together, the best of them first, and
        so do those that are best come first.
    chart : Chart
        Of all runs if they can be told apart; else of the best run of each evaluation.
    """

    differences: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    chart: Chart


def comparison_view(evaluations: Sequence[StoredEvaluation]) -> ComparisonView:
    """Prepare evaluations for a page that shows them side by side.

    Parameters
    ----------
    evaluations : sequence of StoredEvaluation
        Their names differ.
    """
    runs = [(stored.name, run) for stored in evaluations for run in stored.runs]
    protocols = {stored.protocol for stored in evaluations}
    protocol = protocols.pop() if len(protocols) == 1 else ""
    drawn = runs
    if len(runs) > COLORS:
        drawn = [(stored.name, run) for stored in evaluations for run in stored.runs[:1]]
    return ComparisonView(
        differences=[
            f"{field}: {', '.join(_said(stored, field) for stored in evaluations)}"
            for field in _COMMON
            if len({getattr(stored, field) for stored in evaluations}) > 1
        ],
        columns=["descriptor", "metric", "result", *measured(protocol)],
        rows=[
            [run.descriptor, run.how, name, *measures(run, protocol)]
            for name, run in _grouped(runs)
        ],
        chart=chart([(f"{name}: {run_label(run)}", run.curve) for name, run in drawn]),
    )


def _said(stored: StoredEvaluation, field: str) -> str:
    value = getattr(stored, field)
    told = f"{value:,}" if isinstance(value, int) else value or "all images"
    return f"{told} in {stored.name}"


def _grouped(runs: Sequence[tuple[str, StoredRun]]) -> list[tuple[str, StoredRun]]:
    groups: dict[str, list[tuple[str, StoredRun]]] = {}
    for name, run in sorted(runs, key=lambda one: _from_best(one[1])):
        groups.setdefault(run.title, []).append((name, run))
    return [one for group in groups.values() for one in group]


def _from_best(run: StoredRun) -> float:
    """Return a number by which the best come first, and those without a measure last."""
    mean = run.means["map"]
    return -mean if mean == mean else float("inf")
