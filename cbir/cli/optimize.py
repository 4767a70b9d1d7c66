"""``cbir optimize``: make an index ready for approximate search."""

from __future__ import annotations

from collections.abc import Iterator

import click

from cbir.cli.choices import Choice, MetricChoice
from cbir.cli.command import Command
from cbir.cli.options import FiniteRange, once, usual_options
from cbir.cli.progress import TerminalProgress
from cbir.core.amounts import counted, duration_text
from cbir.core.errors import UsageError, printable
from cbir.core.messages import Message, Parameter
from cbir.descriptors.presets import PRESETS
from cbir.search.ann.choosing import FEW
from cbir.search.ann.engines.registry import ENGINES
from cbir.search.ann.making import MadeStructure
from cbir.search.optimizing import RECALL, OptimizeReport, optimize

_SECTIONS = {
    "Common options": "--index --descriptor --preset --recall".split(),
    "How images are arranged": "--metric --engine --pca --bytes --remove".split(),
}


@click.command("optimize", cls=Command, sections=_SECTIONS)
@click.argument("index_path", metavar="[INDEX]", default="")
@click.option("-i", "--index", "named", metavar="FILE", help="The same as INDEX.")
@click.option(
    "--descriptor",
    callback=once,
    multiple=True,
    metavar="ALIAS[+ALIAS…]",
    help="One, or several that are searched together.  [default: the first one of the index]",
)
@click.option(
    "--preset", callback=once, multiple=True, type=Choice(list(PRESETS)), help="Those of a preset."
)
@click.option(
    "--metric",
    callback=once,
    multiple=True,
    type=MetricChoice(),
    help="[default: the descriptor's own]",
)
@click.option(
    "--engine",
    type=Choice(list(ENGINES)),
    help="What arranges the images.  [default: as they are arranged, or else faiss-hnsw, and"
    " faiss-bits for hashes]",
)
@click.option(
    "--recall",
    type=FiniteRange(min=0, max=1, min_open=True),
    default=RECALL,
    show_default=True,
    metavar="SHARE",
    help="Of the ten nearest images, the share that is to be found.",
)
@click.option(
    "--pca",
    type=click.IntRange(min=0),
    metavar="N",
    help="Keep so many principal components of a row; 0: all of it.  [default: as few as lose"
    " little]",
)
@click.option(
    "--bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Keep so many bytes of an image, by product quantization.",
)
@click.option(
    "--remove",
    is_flag=True,
    help="Remove what was made; of all descriptors, unless some are named.",
)
@usual_options
def optimize_command(
    index_path: str,
    named: str | None,
    descriptor: str | None,
    preset: str | None,
    metric: str | None,
    engine: str | None,
    recall: float,
    pca: int | None,
    bytes: int | None,  # noqa: A002 - as the option is called
    remove: bool,
    quiet: bool,
) -> None:
    """Make an index ready for approximate search.

    INDEX is its file, index.csv unless you name another. After that, search --approximate looks at
    few images instead of all. What is made is kept in your cache folder, and serves the images that
    are in the index now; new ones are found as well, and slow searches down until the next run,
    which brings it up to date. It pays from some ten thousand images on.

    \b
    Examples:
      cbir optimize
      cbir optimize index.csv --preset photos --recall 0.98
      cbir optimize index.csv --descriptor hsv --bytes 32
      cbir optimize index.csv --remove
    """
    if index_path and named:
        raise UsageError("INDEX and --index are the same; name one")
    path = index_path or named or "index.csv"
    with TerminalProgress(quiet) as listener:
        report = optimize(
            path,
            descriptor,
            preset=preset,
            metric=metric,
            engine=engine,
            recall=recall,
            pca=pca,
            bytes=bytes,
            remove=remove,
            listener=listener,
        )
        if remove:
            what = counted(report.removed, "structure")
            listener.note(f"{printable(path)}: {what} removed")
        for line in _lines(report):
            listener.note(line)
        if report.descriptors and report.images <= FEW:
            listener.note(
                f"An exact search of {counted(report.images, 'image')} is as fast:"
                f" --approximate pays from more than {FEW:,} on"
            )
        for message in _missed(report):
            listener.warn(message)


def _lines(report: OptimizeReport) -> Iterator[str]:
    for one in report.descriptors:
        record = one.record
        size = counted(round((record.bytes + record.array_bytes) / max(1, record.images)), "byte")
        yield (
            f"{one.alias}: {counted(report.images, 'image')} by {record.engine}, {_done(one)};"
            f" {size} an image; recall@10 {record.recall:.3f} on"
            f" {counted(record.queries, 'query')}"
        )
    for alias in report.exact:
        yield f"{alias}: searched as before, by its inverted file"
    if report.fusion is not None:
        fusion = report.fusion
        yield (
            f"{fusion.label}: recall@10 {fusion.recall:.3f} on {counted(fusion.queries, 'query')},"
            f" by {counted(fusion.depth, 'candidate')} of each descriptor"
        )


def _done(one: MadeStructure) -> str:
    if one.is_new:
        return f"arranged in {duration_text(one.record.build_seconds)}"
    return f"{one.added:,} added" if one.added else "up to date"


def _missed(report: OptimizeReport) -> Iterator[Message]:
    """Say where the wanted recall was not surely reached."""
    for one in report.descriptors:
        if not one.record.reached:
            yield Message(
                f"{one.alias}: a recall of {one.record.wanted:g} is not sure; give ",
                Parameter("pca", 0), ", or another ", Parameter("engine"),
            )  # fmt: skip
    if report.fusion is not None and not report.fusion.reached:
        yield Message(f"{report.fusion.label}: a recall of {report.fusion.wanted:g} is not sure")
