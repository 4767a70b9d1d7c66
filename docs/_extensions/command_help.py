"""The directive ``command-help``: what ``--help`` prints, a section for each command."""

from __future__ import annotations

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from cbir.cli.group import _BUILT_IN, cli

WIDTH = 88
"""Columns that help is laid out for; more would have to be scrolled."""


class CommandHelp(SphinxDirective):
    """The help of ``cbir`` and of the commands that come with it."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        group = click.Context(cli, info_name="cbir", terminal_width=WIDTH)
        contexts = [group]
        for name in _BUILT_IN:
            command = cli.get_command(group, name)
            assert command is not None, name
            contexts.append(click.Context(command, parent=group, info_name=name))
        return [_section(context) for context in contexts]


def _section(context: click.Context) -> nodes.section:
    path = context.command_path
    section = nodes.section("", nodes.title("", path), ids=[path.replace(" ", "-")], names=[path])
    text = context.get_help()
    section += nodes.literal_block(text, text, language="text")
    return section


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
