"""The command line: commands parse, call and print; the work is done elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def main(prog_name: str | None = None) -> None:
    """Run ``cbir COMMAND``."""
    from cbir.cli.group import cli

    _run(cli, prog_name)


def run_index() -> None:
    """Run ``index``."""
    from cbir.cli.index import index

    _run(index)


def run_search() -> None:
    """Run ``search``."""
    from cbir.cli.search import search

    _run(search)


def _run(command: click.Command, prog_name: str | None = None) -> None:
    try:
        command(prog_name=prog_name)
    except OSError as error:  # not even --help could be printed
        sys.exit(f"Error: cannot write: {error.strerror}")
