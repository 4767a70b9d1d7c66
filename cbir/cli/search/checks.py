"""What ``search`` refuses before it works: no room in a format, no region, no such file."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from cbir.core.errors import UsageError, printable
from cbir.search.request import SearchOptions


def check_room(options: SearchOptions, format_: str | None) -> None:
    """Refuse what a format of results has no room for."""
    for format_without, name in (("paths", "columns"), ("paths", "facets"), ("csv", "facets")):
        if format_ == format_without and options[name]:  # type: ignore[literal-required]
            raise UsageError(f"--format {format_} has no room for --{name}; choose another format")


def check_region(options: SearchOptions) -> None:
    """Stop at what is no region before a folder is described for nothing."""
    if options["region"] is not None:
        from cbir.images.region import Region

        options["region"] = Region.of(options["region"])


def check_any_is_there(dataset: str | None, paths: Sequence[str]) -> None:
    """Stop before a folder is described for nothing."""
    if dataset is not None and paths and not any(map(os.path.lexists, paths)):
        for path in paths:
            click.echo(f"Cannot read {printable(path)}: no such file or directory", err=True)
        sys.exit(1)
