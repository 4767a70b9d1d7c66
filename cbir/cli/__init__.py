"""The command line: commands parse, call and print; the work is done elsewhere."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cbir.cli.interrupts import end_at_once
from cbir.core.folders import current_folder

if TYPE_CHECKING:
    import click

_STDERR = 2


def main(prog_name: str | None = None) -> None:
    """Run ``cbir COMMAND``."""
    _begin()
    from cbir.cli.group import cli

    _run(cli, prog_name)


def run_index() -> None:
    """Run ``index``."""
    _begin()
    from cbir.cli.index import index

    _run(index)


def run_search() -> None:
    """Run ``search``."""
    _begin()
    from cbir.cli.search.command import search

    _run(search)


def _begin() -> None:
    """Do what must come before the imports of a command, which take a while."""
    _occupy_standard_streams()
    end_at_once()


def _run(command: click.Command, prog_name: str | None = None) -> None:
    try:
        command(prog_name=prog_name)
    except OSError as error:
        if not current_folder():
            sys.exit("Error: the current folder is not there any more; go to another one")
        sys.exit(f"Error: cannot write: {error.strerror}")  # not even --help could be printed


def _occupy_standard_streams() -> None:
    """Open the null device where a standard stream is closed.

    Else the next file that is opened gets its number, and what decoders print goes into it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the whole run
