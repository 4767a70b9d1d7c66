"""A stored evaluation, ready to be shown: measures as a table, curves, and the worst queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cbir.core.amounts import counted
from cbir.evaluation.headings import headings_of, three_decimals, with_interval
from cbir.evaluation.stored_model import StoredEvaluation, StoredHit, StoredQuery, StoredRun
from cbir.reports.curves_svg import Chart, chart
from cbir.reports.image_card import ImageCard, told
from cbir.reports.query_card import HitCard, QueryCard, region_label, rounded_down
from cbir.search.results import distance_text

CardOf = Callable[[str], ImageCard]
"""Gives the card of an image by its path in the index."""


@dataclass(frozen=True, slots=True)
class RunView:
    """A run on the page.

    Attributes
    ----------
    title : str
    summary : str
        Its mAP, and how many queries are shown.
    queries : sequence of QueryCard
        The worst first; those that are answered without a mistake are left out.
    """

    title: str
    summary: str
    queries: Sequence[QueryCard]


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """An evaluation on the page.

    Attributes
    ----------
    title : str
    facts : sequence of (str, str)
        What stands under the title: words and numbers.
    how : str
        How it was measured.
    columns : sequence of str
        The headings of the table of measures; the first two are names.
    rows : sequence of sequence of str
        The best mAP first.
    chart : Chart
    runs : sequence of RunView
    """

    title: str
    facts: Sequence[tuple[str, str]]
    how: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    chart: Chart
    runs: Sequence[RunView]


def evaluation_view(
    stored: StoredEvaluation,
    card_of: CardOf,
    outside_card_of: CardOf,
    *,
    worst: int | None = None,
    only: int | None = None,
) -> EvaluationView:
    """Prepare an evaluation for a page.

    Parameters
    ----------
    stored : StoredEvaluation
    card_of : callable
        Gives the card of an image of the dataset, by its path in the index; one with a `failure`
        where the index has no such image.
    outside_card_of : callable
        Gives the card of a query that is no image of the dataset.
    worst : int, optional
        Queries of each run; all that are there unless told otherwise.
    only : int, optional
        The number of the run whose queries are shown, from 0; those of all unless told otherwise.
    """
    shown = stored.runs if only is None else stored.runs[only : only + 1]
    how = [f"protocol {stored.protocol}", f"truth {stored.truth}"]
    how += [] if stored.where is None else [f"where {stored.where}"]
    return EvaluationView(
        title=stored.name,
        facts=_facts(stored),
        how=" · ".join(how),
        columns=["descriptor", "metric", *measured(stored.protocol)],
        rows=[[run.descriptor, run.how, *measures(run, stored.protocol)] for run in stored.runs],
        chart=chart([(run_label(run), run.curve) for run in stored.runs]),
        runs=[_run(run, stored.columns, card_of, outside_card_of, worst) for run in shown],
    )


def _facts(stored: StoredEvaluation) -> list[tuple[str, str]]:
    facts = [("Images", f"{stored.images:,}"), ("Queries", f"{stored.queries:,}")]
    nothing = ("Without anything to find", f"{stored.empty_queries:,}")
    return [*facts, *([nothing] if stored.empty_queries else [])]


def measured(protocol: str) -> list[str]:
    """Return the headings of :func:`measures`."""
    return ["mAP ±95 %", *headings_of(protocol).values(), "ms/query", "bytes"]


def measures(run: StoredRun, protocol: str) -> list[str]:
    """Return the measures of a run as tables show them."""
    return [
        with_interval(run.means["map"], *run.intervals["map"]),
        *(three_decimals(run.means[measure]) for measure in headings_of(protocol)),
        f"{run.ms_per_query:.2f}",
        f"{run.bytes_per_image:,}",
    ]


def run_label(run: StoredRun) -> str:
    """Return what a chart calls a run."""
    return f"{run.title}: mAP {three_decimals(run.means['map'])}"


def _run(
    run: StoredRun,
    columns: Sequence[str],
    card_of: CardOf,
    outside_card_of: CardOf,
    worst: int | None,
) -> RunView:
    failed = [one for one in run.worst if one.average_precision < 1][:worst]
    summary = f"mAP {three_decimals(run.means['map'])}"
    if failed:
        summary += f" · the {counted(len(failed), 'query')} with the lowest AP"
    elif run.worst:
        summary += " · no query failed"
    return RunView(
        run.title,
        summary,
        [
            _query(one, run.metric, columns, outside_card_of if one.outside else card_of, card_of)
            for one in failed
        ],
    )


def _query(
    query: StoredQuery,
    metric: str,
    columns: Sequence[str],
    query_card_of: CardOf,
    card_of: CardOf,
) -> QueryCard:
    return QueryCard(
        query_card_of(query.path),
        region_label(query.label, query.region),
        rounded_down(query.average_precision),
        [_hit(hit, metric, columns, card_of) for hit in query.hits],
    )


def _hit(hit: StoredHit, metric: str, columns: Sequence[str], card_of: CardOf) -> HitCard:
    known = told(zip(columns, hit.texts, strict=True))
    image = replace(card_of(hit.path), metadata=known)
    distance = "" if hit.distance != hit.distance else distance_text(metric, hit.distance)
    return HitCard(image, hit.relevant, distance)
