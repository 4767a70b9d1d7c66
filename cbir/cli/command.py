"""The class of all commands: errors of one line, and help with the options in sections."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from cbir.cli.interrupts import MESSAGE, end, raised
from cbir.cli.wording import error_text
from cbir.core import stderr_capture
from cbir.core.command_words import quoted
from cbir.core.errors import CbirError, UsageError, printable, shown

_COMMAND_LINE = ParameterSource.COMMANDLINE
_DASHED = "cbir.dashed"

HELP_WIDTH = 100
"""Columns that help takes of a wide terminal."""


class Command(click.Command):
    """A command whose errors are one line, never a traceback.

    Parameters
    ----------
    sections : mapping of str to sequence of str
        How the help orders the options: headings, each with the long names of its options, the
        common ones first. The others come last.
    """

    def __init__(
        self, *args: Any, sections: Mapping[str, Sequence[str]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.context_settings["help_option_names"] = ["-h", "--help"]
        self.context_settings["max_content_width"] = HELP_WIDTH
        self.sections = sections or {}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help of the options, section by section."""
        headings = {name: heading for heading, names in self.sections.items() for name in names}
        rest = "Other options" if self.sections else "Options"
        rows: dict[str, list[tuple[str, tuple[str, str]]]] = {one: [] for one in self.sections}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if isinstance(param, click.Option) and record is not None:
                name = next((name for name in param.opts if name in headings), "")
                rows.setdefault(headings.get(name, rest), []).append((name, record))
        for heading, some in rows.items():
            order = list(self.sections.get(heading, [""]))
            some.sort(key=lambda row: order.index(row[0]))
            with formatter.section(heading):
                formatter.write_dl([record for _, record in some])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line; an error tells how to name a file that begins with a dash."""
        ctx.meta[_DASHED] = self._about_dashes(args)
        ctx.allow_extra_args = True  # refused below, in words of our own
        try:
            rest = super().parse_args(ctx, args)
            if rest and not ctx.resilient_parsing:
                raise click.UsageError(self._about_extra(ctx, rest), ctx)
            if not ctx.resilient_parsing:  # of what is still being typed
                self._refuse_empty(ctx)
            return rest
        except click.UsageError as error:
            if not ctx.meta[_DASHED]:
                raise
            raise click.UsageError(error.format_message() + ctx.meta[_DASHED], ctx) from None

    def _about_extra(self, ctx: click.Context, rest: Sequence[str]) -> str:
        message = f"unexpected extra argument: {printable(rest[0])}"
        return f"{message}; {self.one_folder}" if "folder" in ctx.params else message

    def _refuse_empty(self, ctx: click.Context) -> None:
        """Refuse what a variable of the shell gives that is not set, as in ``--log "$LOG"``."""
        for param in self.params:
            value = ctx.params.get(param.name or "")
            given = value if isinstance(value, tuple) else (value,)
            if "" in given and ctx.get_parameter_source(param.name or "") is _COMMAND_LINE:
                raise click.BadParameter("it is empty; give a value, or leave it out", ctx, param)

    def _about_dashes(self, args: Sequence[str]) -> str:
        """Return a hint at how to name a file that is taken for options, if there is one."""
        valued = {
            name
            for param in self.params
            if isinstance(param, click.Option) and not param.is_flag
            for name in param.opts
        }
        for before, arg in itertools.pairwise(["", *args]):
            if arg == "--":
                break
            if len(arg) > 1 and arg[0] == "-" and before not in valued and os.path.lexists(arg):
                return f" (for the file {printable(arg)}, write {quoted(f'./{arg}')})"
        return ""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and turn our errors into click's."""
        stderr_capture.enable()
        dashed = ctx.meta[_DASHED]
        try:
            with raised():
                return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(shown(error_text(error)) + dashed, ctx) from None
        except CbirError as error:
            raise click.ClickException(shown(error_text(error)) + dashed) from None
        except KeyboardInterrupt:
            end(self.interrupted)

    interrupted = MESSAGE
    one_folder = "one folder at a time; name the folder around them"
