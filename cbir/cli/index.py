"""``index``: describe a folder of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from cbir.cli.choices import Choice
from cbir.cli.command import Command
from cbir.cli.options import (
    OptionalCount,
    dataset_option,
    index_option,
    listed,
    model_option,
    once,
    pattern_options,
    usual_options,
    wait_option,
    workers_option,
)
from cbir.cli.progress import TerminalProgress
from cbir.core.amounts import counted, rate_text, seconds_text
from cbir.core.errors import printable
from cbir.descriptors.presets import PRESETS
from cbir.search.stage_options import AVERAGED
from cbir.stores.model import MOST_AVERAGED

if TYPE_CHECKING:
    from cbir.core.progress import ProgressListener
    from cbir.indexing.commit import IndexReport
    from cbir.indexing.metadata_join import MetadataReport


_ORDER = "cbir.order"


class _IndexCommand(Command):
    interrupted = (
        "Interrupted. The index is as it was; the same command goes on with what was described."
    )

    one_folder = (
        "one index is of one folder; name the folder around them, or give each an index of its own"
        " with --index"
    )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note the order of the options, which click tells only of one and the same."""
        typed = list(args)
        rest = super().parse_args(ctx, args)
        _, _, order = self.make_parser(ctx).parse_args(typed)
        ctx.meta[_ORDER] = [parameter.name for parameter in order]
        return rest


_SECTIONS = {
    "Common options": "--dataset --index --descriptor --preset --quiet".split(),
    "Which images": "--include --exclude --strict".split(),
    "What else is known about them": "--metadata --key --table --columns".split(),
    "Descriptors and what they learn": "--drop --model --retrain --rebuild --dba".split(),
}


@click.command(cls=_IndexCommand, sections=_SECTIONS)
@dataset_option(required=True)
@index_option
@click.option(
    "--descriptor",
    "descriptors",
    metavar="SPEC",
    multiple=True,
    help="NAME, NAME:key=value,key=value or ALIAS=NAME:…; repeatable. Added to what the index has."
    "  [default: hsv for a new index]",
)
@click.option(
    "--preset",
    "presets",
    type=Choice(list(PRESETS)),
    multiple=True,
    help="Also add the descriptors of a preset, which search --preset fuses.",
)
@click.option(
    "--drop",
    metavar="NAME",
    multiple=True,
    help="Remove a descriptor, by its alias, or a metadata column; repeatable.",
)
@click.option(
    "--metadata",
    callback=once,
    multiple=True,
    metavar="TABLE",
    help="Join the columns of a table: a file (CSV, JSON lines, Parquet, SQLite) or the URL of a"
    " database.",
)
@click.option(
    "--key",
    metavar="COLUMN",
    help="The column that names the images.  [default: the one that names the most of them]",
)
@click.option(
    "--table", metavar="NAME", help="The table of a database.  [default: the only one of it]"
)
@click.option(
    "--columns",
    metavar="NAME,…",
    callback=listed,
    multiple=True,
    help="Join these only; NEW=NAME renames one.  [default: all but the key]",
)
@model_option
@click.option(
    "--dba",
    type=OptionalCount(0, MOST_AVERAGED),
    is_flag=False,
    flag_value=AVERAGED,
    metavar="[N]",
    help="Database-side augmentation: unless told otherwise, searches compare means of each image"
    f" and the N that are most like it; without N, {AVERAGED}. 0: images themselves.  [default: as"
    " before; for a new index, 0]",
)
@pattern_options
@workers_option
@click.option("--rebuild", is_flag=True, help="Start from nothing.")
@click.option("--retrain", is_flag=True, help="Train vocabularies and models on these images.")
@click.option("--strict", is_flag=True, help="Fail if any image cannot be read.")
@wait_option
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Also name each file that lacks an optional package, image without a row of the table, and"
    " row without an image.",
)
@usual_options
@click.pass_context
def index(
    context: click.Context,
    /,
    dataset: str,
    index_path: str,
    descriptors: tuple[str, ...],
    presets: tuple[str, ...],
    drop: tuple[str, ...],
    metadata: str | None,
    key: str | None,
    table: str | None,
    columns: Sequence[str],
    models: tuple[str, ...],
    dba: int | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    workers: int | None,
    rebuild: bool,
    retrain: bool,
    strict: bool,
    wait: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Describe a folder of images.

    Makes an index of it, or brings the index up to date.

    Unchanged images are not described again, deleted ones leave, and renamed ones are
    recognized. Hidden files and folders are left out. Patterns are not remembered: give --include
    and --exclude each time.

    \b
    Examples:
      index data
      index data --descriptor hsv --descriptor small=orb:words=1000
      index data --preset balanced
      index data --preset balanced --dba
      index products --metadata products.csv --key id --columns name,price
      index photos --index photos.csv --exclude 'thumbs' --workers 4
    """
    from cbir.indexing.build import build_index
    from cbir.search.prepare import prepare
    from cbir.stores.recommendation import recommend_parquet

    with TerminalProgress(quiet, verbose) as listener:
        report = build_index(
            dataset,
            index_path,
            list(_in_order(context.meta[_ORDER], descriptors, presets)),
            drop=drop,
            vocabulary=models,
            metadata=metadata,
            key=key,
            table=table,
            columns=columns,
            dba=dba,
            include=include,
            exclude=exclude,
            workers=workers,
            rebuild=rebuild,
            retrain=retrain,
            wait=wait,
            listener=listener,
        )
        prepare(index_path, bool(report.described), listener)
    if report.metadata:
        _tell_of_metadata(report.metadata, listener, verbose)
    listener.note(summary(index_path, report))
    advice = recommend_parquet(index_path)
    if advice is not None:
        listener.note(advice)
    if strict and report.unreadable:
        raise click.ClickException(f"{len(report.unreadable):,} unreadable and --strict")


def summary(name: str, report: IndexReport) -> str:
    """Say what a run of indexing did, and how fast.

    Parameters
    ----------
    name : str
        What the line begins with: the index, or the dataset.
    report : IndexReport
    """
    counts = [
        f"{report.added:,} added",
        *([f"{report.updated:,} updated"] if report.updated else []),
        f"{report.reused:,} reused",
        *([f"{report.renamed:,} renamed"] if report.renamed else []),
        f"{report.removed:,} removed",
        f"{len(report.unreadable):,} unreadable",
        *([f"{len(report.warned):,} with warnings"] if report.warned else []),
    ]
    pace = [seconds_text(report.seconds)]
    if report.described:
        pace.append(rate_text(report.described, report.seconds))
    return (
        f"{printable(name)}: {counted(report.images, 'image')}: {', '.join(counts)};"
        f" {', '.join(pace)}"
    )


def _tell_of_metadata(report: MetadataReport, listener: ProgressListener, verbose: bool) -> None:
    name, without = printable(report.source), report.images_without_row
    if verbose:
        for path in without:
            listener.note(f"{name}: no row for {printable(path)}")
        for key in report.rows_without_image:
            listener.note(f"{name}: no image for {printable(key)}")
    listener.note(
        f"{name}: {report.images:,} of {counted(report.images + len(without), 'image')} by the"
        f" column {printable(report.key)}, {report.form};"
        f" {counted(len(report.rows_without_image), 'row')} without an image;"
        f" {counted(len(report.columns), 'column')} joined"
    )


def _in_order(
    names: Sequence[str], descriptors: Sequence[str], presets: Sequence[str]
) -> Iterator[str]:
    """Yield the wanted descriptors, also those of presets, as they are named on the command line.

    The first one of a new index is what searches use by default.
    """
    named, preset = iter(descriptors), iter(presets)
    for name in names:
        if name == "descriptors":
            yield next(named)
        elif name == "presets":
            yield from PRESETS[next(preset)].specs
