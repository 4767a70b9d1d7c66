"""``cbir evaluate``: measure how good descriptors are on labeled images."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import click

from cbir.cli.choices import Choice, MetricChoice
from cbir.cli.command import Command
from cbir.cli.evaluate.formats import FORMATS, print_evaluation
from cbir.cli.evaluate.options import Options
from cbir.cli.evaluate.searchers import searchers_of, warn_of_learning
from cbir.cli.options import (
    dataset_option,
    dba_option,
    fusion_options,
    joined,
    listed,
    model_option,
    stage_options,
    usual_options,
    where_option,
    workers_option,
)
from cbir.cli.progress import TerminalProgress
from cbir.core.amounts import counted
from cbir.core.errors import CbirError, printable
from cbir.core.progress import ProgressListener
from cbir.descriptors.presets import PRESETS
from cbir.evaluation.document import WORST, write_evaluation
from cbir.evaluation.model import Evaluation
from cbir.evaluation.protocols import PROTOCOLS, choose_queries, default_protocol
from cbir.evaluation.ranking import APPROXIMATE_TOP
from cbir.evaluation.runner import evaluate as measure
from cbir.indexing.build import build_index
from cbir.reports.evaluation_page import write_failures
from cbir.reports.pr_curves import write_plot
from cbir.search.engine import Index, open_index

_SECTIONS = {
    "Common options": "--dataset --index --descriptor --preset --format --quiet".split(),
    "What is right": ("--truth --key --label --table --where --protocol --queries".split()),
    "How images are compared": (
        "--metric --fusion --weights --adaptive --dba --expand --rerank --verify --approximate"
        " --model".split()
    ),
    "What else is written": "--by-class --plot --failures --save --worst --columns".split(),
}


@click.command(cls=Command, sections=_SECTIONS)
@dataset_option()
@click.option(
    "-i", "--index", "index_path", metavar="FILE", help="An index of them, instead of the folder."
)
@click.option(
    "--truth",
    "--ground-truth",
    "given_truth",
    metavar="SPEC",
    help="What is right: folders (images of the query's folder), groups:REGEX (those whose names"
    " have the same first group), numbers:N (whose last number divided by N is the same), a table"
    " (CSV, JSON lines, Parquet, SQLite or the URL of a database), a file of TREC qrels, oxford:DIR"
    " (the files of Oxford 5k and Paris 6k) or revisited:FILE (those of rOxford, rParis, as JSON)."
    "  [default: folders; with --index and --label, a column of the index]",
)
@click.option("--key", metavar="COLUMN", help="The column of the table that names the images.")
@click.option(
    "--label",
    metavar="COLUMN",
    help="The column of the table, or of the index, that says their class.",
)
@click.option("--table", metavar="NAME", help="The table of a database.")
@where_option
@click.option(
    "--protocol",
    type=Choice(PROTOCOLS),
    help="all: every image queries the others; first: only the first of each class does; ukbench:"
    " every image queries all, itself too.  [default: all; with groups, first]",
)
@click.option(
    "-q",
    "--queries",
    metavar="DIR",
    help="Query with the images of this folder instead; with oxford: and revisited:, those of the"
    " truth are looked for there, too.",
)
@click.option(
    "--descriptor",
    "descriptors",
    callback=joined,
    metavar="SPEC",
    multiple=True,
    help="What to measure, as for index; with --index, an alias of it. Joined by +, a fusion."
    " Repeatable.  [default: hsv; with --index, all that it has; with --preset, none]",
)
@click.option(
    "--preset",
    "presets",
    type=Choice(list(PRESETS)),
    multiple=True,
    help="Measure a preset; repeatable.",
)
@click.option(
    "--metric",
    "metrics",
    type=MetricChoice(),
    multiple=True,
    help="Measure each descriptor by this, where it makes sense; repeatable."
    "  [default: the descriptor's own]",
)
@fusion_options
@stage_options
@dba_option(multiple=True)
@click.option(
    "--approximate",
    is_flag=True,
    help="With --index: measure searches that look at few images, by what cbir optimize has made,"
    " in their first 100 results; right ones that are not among them count as missed.",
)
@model_option
@click.option("--format", "format_", type=Choice(FORMATS), help="[default: table]")
@click.option("--by-class", is_flag=True, help="Also give the measures of each class.")
@click.option("--plot", metavar="FILE", help="Draw precision-recall curves (.png, .svg or .pdf).")
@click.option(
    "--failures", metavar="FILE", help="Write a page (.html) with the worst queries' results."
)
@click.option(
    "--save",
    metavar="FILE",
    help="Keep the result (.json), with the curves and the worst queries.",
)
@click.option(
    "--worst",
    type=click.IntRange(min=1),
    metavar="N",
    default=WORST,
    show_default=True,
    help="How many queries --failures shows, and --save keeps, of each run.",
)
@click.option(
    "--columns",
    metavar="NAME,…",
    callback=listed,
    multiple=True,
    help="Tell there what these columns of metadata say of each result.",
)
@workers_option
@usual_options
def evaluate(**values: Any) -> None:
    """Measure how good descriptors are.

    Images whose classes are known query each other: the more of their class come first, the
    better. Measures go to standard output, the best mAP first, with 95 % intervals; two and more
    runs are compared query by query. cbir docs evaluation defines them all.

    \b
    Examples:
      cbir evaluate data
      cbir evaluate data --descriptor hsv --descriptor hog --metric chi2 --metric cosine
      cbir evaluate data --descriptor hsv+phash --preset balanced
      cbir evaluate data --by-class --plot curves.png --failures failures.html
      cbir evaluate holidays --truth 'groups:^(\\d{4})'
      cbir evaluate --index index.csv --truth styles.csv --key file --label articleType
      cbir evaluate --index index.csv --label articleType --where "gender = 'Women'"
      cbir evaluate --index oxford.csv --truth oxford:gt_files
      cbir evaluate --index oxford.csv --truth revisited:gnd_roxford5k.json
      cbir evaluate --index index.csv --queries more --format json
    """
    options = Options(**values)
    options.check()
    with TerminalProgress(options.quiet) as listener:
        evaluation = _measured(options, listener)
        listener.note(_summary(evaluation))
        if options.approximate:
            listener.note(
                f"Right images that are not among the first {APPROXIMATE_TOP} count as missed: mAP,"
                " ANMRR, nDCG and the curve are not comparable with those of an exact search"
            )
        try:
            _write_files(evaluation, options, listener)
        finally:  # neither is lost if the other cannot be written
            print_evaluation(evaluation, options.format_ or "table", options.by_class)


def _measured(options: Options, listener: ProgressListener) -> Evaluation:
    with _opened(options, listener) as index:
        searchers = searchers_of(index, options, listener)
        warn_of_learning(index, searchers, listener)
        truth = options.truth_of(index, listener)
        protocol = options.protocol or default_protocol(options.truth, options.queries)
        queries = choose_queries(
            index, truth, protocol, options.queries, listener, where=options.where
        )
        evaluation = measure(
            index,
            truth,
            queries,
            searchers,
            dataset=options.dataset,
            where=options.where,
            columns=options.columns,
            workers=options.workers,
            listener=listener,
        )
    if not evaluation.queries:
        raise CbirError(
            f"--truth {printable(truth.spec)}: no query has anything to find; there must be"
            " classes of at least two images"
        )
    return evaluation


@contextlib.contextmanager
def _opened(options: Options, listener: ProgressListener) -> Iterator[Index]:
    """Open the index; that of a dataset is made in a folder that is removed afterwards."""
    if options.index_path is not None:
        index = open_index(options.index_path)
        if options.failures is not None and not index.has_images:
            raise CbirError(
                f"--failures shows images, and they are not at {printable(index.root)}; move the"
                " index with its dataset, or leave it out"
            )
        yield index
    elif options.dataset is not None:
        with tempfile.TemporaryDirectory(prefix="cbir-") as folder:
            path = os.path.join(folder, "index.csv")
            build_index(
                options.dataset,
                path,
                options.parts,
                preset=options.presets,
                vocabulary=options.models,
                workers=options.workers,
                listener=listener,
            )
            yield open_index(path, options.dataset)


def _summary(evaluation: Evaluation) -> str:
    """Say what was measured, and how."""
    empty = evaluation.empty_queries
    more = f" and {empty:,} more without anything to find" if empty else ""
    where = "" if evaluation.where is None else f" where {printable(evaluation.where)}"
    published = (
        "; published figures of it are trapezoidal mAP"
        if any(query is not None for run in evaluation.runs[:1] for query in run.regions)
        else ""
    )
    return (
        f"{counted(evaluation.images, 'image')}{where},"
        f" {counted(evaluation.queries, 'query')}{more}; protocol"
        f" {printable(evaluation.protocol)}, truth {printable(evaluation.truth)}{published}"
    )


def _write_files(evaluation: Evaluation, options: Options, listener: ProgressListener) -> None:
    if options.save is not None:
        write_evaluation(options.save, evaluation, worst=options.worst)
        listener.note(f"Evaluation: {printable(options.save)}")
    if options.plot is not None:
        write_plot(options.plot, evaluation)
        listener.note(f"Plot: {printable(options.plot)}")
    if options.failures is not None:
        for note in write_failures(
            options.failures,
            evaluation,
            worst=options.worst,
            workers=options.workers,
            listener=listener,
        ):
            listener.note(note)
        listener.note(f"Failures: {printable(options.failures)}")
