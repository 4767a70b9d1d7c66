"""``cbir train``: make vocabularies and models from one's own images."""

from __future__ import annotations

import click

from cbir.cli.command import Command
from cbir.cli.options import dataset_option, pattern_options, usual_options, workers_option
from cbir.cli.progress import TerminalProgress
from cbir.cli.wording import command_of
from cbir.core.amounts import counted, seconds_text, size_text
from cbir.core.errors import printable
from cbir.core.messages import Call

_SECTIONS = {
    "Common options": "--dataset --descriptor --output --quiet".split(),
    "Which images": "--include --exclude".split(),
}


@click.command(cls=Command, sections=_SECTIONS)
@dataset_option(required=True)
@click.option(
    "--descriptor",
    "descriptors",
    metavar="SPEC",
    multiple=True,
    required=True,
    help="NAME, NAME:key=value,key=value or ALIAS=NAME:…; repeatable.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="An .npz file, or a folder for several descriptors, where each has a file ALIAS.npz.",
)
@pattern_options
@workers_option
@usual_options
def train(
    dataset: str,
    descriptors: tuple[str, ...],
    output: str,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    workers: int | None,
    quiet: bool,
) -> None:
    """Train descriptors on your own images.

    Writes what they learn to a file, which index takes with --model. Up to 1,000 of the images
    are looked at, always the same ones. A file that is there is overwritten only if cbir train
    wrote it.

    \b
    Examples:
      cbir train photos --descriptor orb:words=1000 --output orb.npz
      index photos --descriptor orb:words=1000 --model orb.npz
    """
    from cbir.indexing.train import train_models

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
