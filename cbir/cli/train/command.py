"""``cbir train``: make vocabularies and models from one's own images, or from labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import click

from cbir.cli.choices import Choice
from cbir.cli.command import Command
from cbir.cli.options import dataset_option, joined, pattern_options, usual_options, workers_option
from cbir.cli.progress import TerminalProgress
from cbir.cli.wording import command_of
from cbir.core.amounts import counted, seconds_text, size_text
from cbir.core.errors import UsageError, printable
from cbir.core.messages import Call
from cbir.descriptors.encoders.projection import MOST_DIMENSIONS

_SECTIONS = {
    "Common options": "--dataset --descriptor --output --quiet".split(),
    "Learning from labels": "--from --learn --dimension --format".split(),
    "What the labels are": "--truth --key --label --table".split(),
    "Which images": "--include --exclude".split(),
}

_OF_LABELS = ("learn", "dimension", "truth", "key", "label", "table", "format_")
_OF_IMAGES = ("dataset", "include", "exclude")


class _TrainCommand(Command):
    interrupted = (
        "Interrupted. Nothing was written but the rounds of a vocabulary that are done, if any; the"
        " same command goes on after these."
    )


@click.command(cls=_TrainCommand, sections=_SECTIONS)
@dataset_option()
@click.option(
    "--descriptor",
    "descriptors",
    callback=joined,
    metavar="SPEC",
    multiple=True,
    required=True,
    help="NAME, NAME:key=value,key=value or ALIAS=NAME:…; repeatable. With --from, an alias of the"
    " index, or several joined by +.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="An .npz file, or a folder for several descriptors, where each has a file ALIAS.npz.",
)
@click.option(
    "-i",
    "--from",
    "--index",
    "index_path",
    metavar="FILE",
    help="Learn from labels, for what this index holds.",
)
@click.option(
    "--learn",
    type=Choice(["projection", "weights"]),
    help="A projection of the descriptors, or what each of them counts in a fusion."
    "  [default: projection]",
)
@click.option(
    "--dimension",
    type=click.IntRange(1, MOST_DIMENSIONS),
    metavar="N",
    help="Numbers of a projection.  [default: 128]",
)
@click.option(
    "--truth",
    metavar="SPEC",
    help="The classes: folders, groups:REGEX, numbers:N or a table, as for cbir evaluate."
    "  [default: folders; with --label, a column of the index]",
)
@click.option("--key", metavar="COLUMN", help="The column of the table that names the images.")
@click.option(
    "--label",
    metavar="COLUMN",
    help="The column of the table, or of the index, that says their class.",
)
@click.option("--table", metavar="NAME", help="The table of a database.")
@click.option("--format", "format_", type=Choice(["table", "json"]), help="[default: table]")
@pattern_options
@workers_option
@usual_options
def train(**options: Any) -> None:
    """Train descriptors on your own images, or learn from their labels.

    Writes what they learn to a file, which index takes with --model. Up to 1,000 of the images
    are looked at, always the same ones. A file that is there is overwritten only if cbir train
    wrote it.

    With --from, images of an index whose classes are known teach a projection of its descriptors,
    by which images of a class come nearer each other, or the weights of their fusion. What that is
    worth on images and on classes that it was not learned from goes to standard output.

    \b
    Examples:
      cbir train photos --descriptor orb:words=1000 --output orb.npz
      index photos --descriptor orb:words=1000 --model orb.npz
      cbir train --from index.csv --descriptor hsv+hog --truth styles.csv --label type -o type.npz
      index photos --descriptor type=projection --model type.npz
      cbir train --from index.csv --descriptor hsv+hog --learn weights
    """
    if options["index_path"] is None:
        _refuse(options, _OF_LABELS, "labels, and without --from FILE there are none")
        _train_on_images(**options)
    else:
        from cbir.cli.train.labels import train_on_labels

        _refuse(options, _OF_IMAGES, "images, and --from learns from labels")
        train_on_labels(**{name: options[name] for name in options if name not in _OF_IMAGES})


def _refuse(options: Mapping[str, Any], names: Collection[str], other: str) -> None:
    for name in names:
        if options[name]:
            what = "DIR" if name == "dataset" else f"--{name.rstrip('_')}"
            raise UsageError(f"{what} is for {other}; leave one out")


def _train_on_images(
    dataset: str | None,
    descriptors: tuple[str, ...],
    output: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    workers: int | None,
    quiet: bool,
    **_: Any,
) -> None:
    from cbir.indexing.train import train_models

    if dataset is None:
        raise UsageError(
            "name the folder of images, as DIR or with --dataset DIR, or an index with --from"
        )
    if output is None:
        raise UsageError("name the file to write with --output FILE")
    with TerminalProgress(quiet) as listener:
        written = train_models(
            dataset,
            descriptors,
            output,
            include=include,
            exclude=exclude,
            workers=workers,
            listener=listener,
        )
    for one in written:
        listener.note(
            f"{printable(one.path)}: a {one.state_name} for {one.name}, trained on"
            f" {counted(one.images, 'image')}; {size_text(one.bytes)},"
            f" {seconds_text(one.seconds)}"
        )
    model = written[0].path if len(written) == 1 else output
    use = Call("index", dataset="DIR", descriptors=descriptors, vocabulary=model)
    listener.note(f"To use it: {command_of(use)}")
