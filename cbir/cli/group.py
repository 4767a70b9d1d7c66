"""``cbir``: the commands, built in and plugged in."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

from cbir.cli.interrupts import end, raise_from_now
from cbir.core.errors import cause_of
from cbir.core.plugins import plugins
from cbir.core.suggestions import did_you_mean
from cbir.core.version import __version__

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "cbir.commands"

_BUILT_IN = {
    "convert": "cbir.cli.convert:convert",
    "descriptors": "cbir.cli.descriptors:descriptors",
    "docs": "cbir.cli.docs:docs",
    "duplicates": "cbir.cli.duplicates.command:duplicates",
    "evaluate": "cbir.cli.evaluate.command:evaluate",
    "index": "cbir.cli.index:index",
    "info": "cbir.cli.info:info",
    "optimize": "cbir.cli.optimize:optimize_command",
    "presets": "cbir.cli.presets:presets",
    "search": "cbir.cli.search.command:search",
    "serve": "cbir.cli.serve:serve",
    "train": "cbir.cli.train.command:train",
}


class LazyGroup(click.Group):
    """Imports a command when it is called; asks for plug-ins only when a name is unknown."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands."""
        return [*_BUILT_IN, *(point.name for point in plugins(ENTRY_POINTS, _BUILT_IN))]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is named first; say which may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            question = did_you_mean(args[0], self.list_commands(ctx))
            message = f"{error.message.removesuffix('.')}{question or '.'}"
            raise click.UsageError(message, ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; Ctrl-C ends also one of a plug-in as it does ours."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            end()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; a plug-in that does not load becomes one that says why."""
        if cmd_name in _BUILT_IN:
            module, _, attribute = _BUILT_IN[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        for point in plugins(ENTRY_POINTS, _BUILT_IN):
            if point.name == cmd_name:
                raise_from_now()  # it may have to clean up, and need not be one of our commands
                return _load_plugin(point)
        return None


def _load_plugin(point: EntryPoint) -> click.Command:
    try:
        command = point.load()
        if isinstance(command, click.Command):
            return command
        reason = "it is not a click command"
    except Exception as error:  # a plug-in may fail in any way; the rest must go on
        reason = cause_of(error)

    @click.command(point.name, help=f"Broken plug-in ({point.value}): {reason}")
    def broken() -> None:
        raise click.ClickException(f"the plug-in {point.name} ({point.value}) fails: {reason}")

    return broken


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cbir")
def cli() -> None:
    """Find images by what they show.

    \b
    Examples:
      cbir index data
      cbir search img.jpg
      cbir duplicates data
      cbir evaluate data
    """
