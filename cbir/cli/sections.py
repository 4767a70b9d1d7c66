"""Help with the options in sections, the common ones first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

Sections = Mapping[str, Sequence[str]]
"""Headings, each with the long names of its options; the others come last."""


def write_sections(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter, sections: Sections
) -> None:
    """Write the help of the options of a command, section by section."""
    headings = {name: heading for heading, names in sections.items() for name in names}
    rest = "Other options" if sections else "Options"
    rows: dict[str, list[tuple[str, tuple[str, str]]]] = {heading: [] for heading in sections}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if isinstance(param, click.Option) and record is not None:
            name = next((name for name in param.opts if name in headings), "")
            rows.setdefault(headings.get(name, rest), []).append((name, record))
    for heading, some in rows.items():
        order = list(sections.get(heading, [""]))
        some.sort(key=lambda row: order.index(row[0]))
        with formatter.section(heading):
            formatter.write_dl([record for _, record in some])
