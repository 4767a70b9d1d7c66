"""``cbir convert``: an index in another place or format."""

from __future__ import annotations

import click

from cbir.cli.command import Command
from cbir.cli.options import usual_options, wait_option
from cbir.cli.progress import TerminalProgress
from cbir.core.amounts import counted, size_text
from cbir.core.errors import printable


class _ConvertCommand(Command):
    interrupted = "Interrupted. The new index is there as a whole, or not at all."


@click.command(cls=_ConvertCommand)
@click.argument("source")
@click.argument("target")
@click.option("--replace", is_flag=True, help="Put it in the place of an index that is there.")
@wait_option
@usual_options
def convert(source: str, target: str, replace: bool, wait: bool, quiet: bool) -> None:
    """Write an index to another file, in the format that its name says.

    TARGET becomes a Parquet file if it ends with .parquet, else a CSV. Nothing of the index is
    lost: rows, numbers and metadata are the same, and so are vocabularies, models and local
    features. SOURCE stays as it is. Parquet takes a fraction of the room, is read many times as
    fast, and is what pandas, polars and DuckDB read; a CSV opens in a spreadsheet, too.

    \b
    Examples:
      cbir convert index.csv index.parquet
      cbir convert index.parquet index.csv
      cbir convert photos.csv elsewhere/photos.csv
    """
    from cbir.indexing.convert import convert
    from cbir.search.prepare import prepare

    with TerminalProgress(quiet) as listener:
        report = convert(source, target, replace=replace, wait=wait, listener=listener)
        prepare(target, False, listener)
    listener.note(
        f"{printable(target)}: {counted(report.images, 'image')}, {size_text(report.bytes_after)};"
        f" as {printable(source)}, {size_text(report.bytes_before)}"
    )
