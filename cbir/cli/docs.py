"""``cbir docs``: the guides, which come with the package."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import click

import cbir
from cbir.cli.command import Command
from cbir.cli.output import write_out, write_text
from cbir.core.arguments import one_of
from cbir.core.errors import CbirError

INSTALLED = "share/doc/cbir"
"""Where an installation has the guides, below the environment's folder; setup.cfg says so, too."""


@click.command(cls=Command)
@click.argument("name", metavar="[NAME]", required=False)
def docs(name: str | None) -> None:
    """Read the guides.

    Lists them, or prints the one called NAME, which is Markdown.

    \b
    Examples:
      cbir docs
      cbir docs duplicates | less
    """
    guides = find_guides()
    if not guides:
        raise CbirError("the guides are not where they were installed; install cbir again")
    if name is None:
        width = max(map(len, guides))
        for stem, path in guides.items():
            title = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
            write_text(f"{stem:<{width}}  {title}")
    else:
        write_out(guides[one_of(name, guides, "guide")].read_bytes())


def find_guides() -> dict[str, Path]:
    """Return the guides by name: those of a checkout, or those that were installed."""
    checkout = Path(cbir.__file__).parents[1]
    if (checkout / "setup.cfg").exists():
        paths = list((checkout / "docs").glob("*.md"))
    else:
        files = metadata.files("cbir") or []
        paths = [Path(file.locate()) for file in files if file.match(f"{INSTALLED}/*.md")]
    existing = {path.stem: path for path in paths if path.exists()}
    return dict(sorted(existing.items()))
