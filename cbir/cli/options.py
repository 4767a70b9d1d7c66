"""What the commands share: options and errors."""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cbir.cli.choices import Choice
from cbir.cli.interrupts import MESSAGE, end, raised
from cbir.cli.sections import Sections, write_sections
from cbir.cli.wording import error_text, quoted
from cbir.core import stderr_capture
from cbir.core.errors import CbirError, UsageError, printable, shown
from cbir.core.version import __version__

if TYPE_CHECKING:
    from cbir.search.fusion.options import Weights

F = TypeVar("F", bound=Callable[..., Any])

_DASHED = "cbir.dashed"

HELP_WIDTH = 100
"""Columns that help takes of a wide terminal."""


class Command(click.Command):
    """A command whose errors are one line, never a traceback.

    Parameters
    ----------
    sections : mapping of str to sequence of str
        How the help orders the options; see :mod:`cbir.cli.sections`.
    """

    def __init__(self, *args: Any, sections: Sections | None = None, **kwargs: Any) -> None:
        kwargs.setdefault(
            "context_settings",
            {"help_option_names": ["-h", "--help"], "max_content_width": HELP_WIDTH},
        )
        super().__init__(*args, **kwargs)
        self.sections = sections or {}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help of the options, in sections."""
        write_sections(self, ctx, formatter, self.sections)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line; an error tells how to name a file that begins with a dash."""
        ctx.meta[_DASHED] = self._about_dashes(args)
        ctx.allow_extra_args = True  # refused below, in words of our own
        try:
            rest = super().parse_args(ctx, args)
            if rest and not ctx.resilient_parsing:
                raise click.UsageError(self._about_extra(ctx, rest), ctx)
            return rest
        except click.UsageError as error:
            if not ctx.meta[_DASHED]:
                raise
            raise click.UsageError(error.format_message() + ctx.meta[_DASHED], ctx) from None

    def _about_extra(self, ctx: click.Context, rest: Sequence[str]) -> str:
        message = f"unexpected extra argument: {printable(rest[0])}"
        return f"{message}; {self.one_folder}" if "folder" in ctx.params else message

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


def dataset_option(
    required: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the dataset, as an argument DIR or as ``-d/--dataset``.

    Parameters
    ----------
    required : bool
        Refuse a command line without either.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def merged(*args: Any, folder: str | None, dataset: str | None, **values: Any) -> Any:
            chosen = _the_folder(folder, dataset)
            if required and chosen is None:
                raise UsageError("name the folder of images, as DIR or with --dataset DIR")
            return function(*args, dataset=chosen, **values)

        claim = "  [one of them is required]" if required else ""
        text = f"The folder of images; or DIR by itself.{claim}"
        option = click.option("-d", "--dataset", metavar="DIR", help=text)
        return click.argument("folder", metavar="[DIR]", required=False)(option(merged))

    return decorate


def _the_folder(folder: str | None, dataset: str | None) -> str | None:
    if None not in (folder, dataset) and folder != dataset:
        raise UsageError(
            f"DIR is {printable(folder or '')} and --dataset is {printable(dataset or '')};"
            " give one of them"
        )
    return dataset if folder is None else folder


def index_option(function: F) -> F:
    """Add ``-i/--index``."""
    return click.option(
        "-i",
        "--index",
        "index_path",
        metavar="FILE",
        default="index.csv",
        show_default=True,
        help="The index file.",
    )(function)


def format_option(function: F) -> F:
    """Add ``--format`` of the commands that tell something."""
    return click.option(
        "--format",
        "format_",
        type=Choice(["table", "json"]),
        default="table",
        help="[default: table]",
    )(function)


def model_option(function: F) -> F:
    """Add ``--model``, also called ``--vocabulary``."""
    return click.option(
        "--vocabulary",
        "--model",
        "models",
        metavar="FILE",
        multiple=True,
        help="Use this vocabulary or model: .npz, a folder of them, or another index; repeatable.",
    )(function)


def pattern_options(function: F) -> F:
    """Add ``--include`` and ``--exclude``."""
    include = click.option(
        "--include",
        metavar="GLOB",
        multiple=True,
        help="Take only what matches, by name or path; repeatable.",
    )
    exclude = click.option(
        "--exclude",
        metavar="GLOB",
        multiple=True,
        help="Leave out what matches, files and folders; repeatable.",
    )
    return include(exclude(function))


def workers_option(function: F) -> F:
    """Add ``--workers``."""
    return click.option(
        "--workers", type=click.IntRange(min=1), metavar="N", help="Threads.  [default: all cores]"
    )(function)


def wait_option(function: F) -> F:
    """Add ``--wait``."""
    return click.option(
        "--wait", is_flag=True, help="Wait for another process that writes to the index."
    )(function)


def joined(_: click.Context, __: click.Parameter, value: Any) -> Any:
    """Return what names descriptors, one or several, without blanks around the plus signs."""
    if isinstance(value, str):
        return "+".join(part.strip() for part in value.split("+"))
    return value and tuple(joined(_, __, one) for one in value)


def fusion_options(function: F) -> F:
    """Add ``--fusion``, ``--weights`` and ``--adaptive``."""
    method = click.option(
        "--fusion",
        type=Choice(["scores", "ranks"]),
        help="Fuse normalized distances, or ranks.  [default: scores]",
    )
    weights = click.option(
        "--weights",
        callback=_parsed_weights,
        metavar="LIST",
        help="What each descriptor counts, in their order, as in 1,0.5; or hog=0.5."
        "  [default: 1, or the preset's]",
    )
    adaptive = click.option(
        "--adaptive/--no-adaptive",
        default=False,
        help="Give more weight to descriptors that seem to be good for the query.  [default: no]",
    )
    return method(weights(adaptive(function)))


def _parsed_weights(_: click.Context, __: click.Parameter, text: str | None) -> Weights | None:
    """Turn ``1,0.5`` into a list, ``hog=0.5`` into a dictionary."""
    if text is None:
        return None
    pairs = [item.rpartition("=") for item in text.split(",")]
    named = [bool(separator) for _, separator, _ in pairs]
    try:
        numbers = [float(number) for _, _, number in pairs]
    except ValueError:
        numbers = []
    if not numbers or any(named) != all(named):
        raise click.UsageError(
            f"--weights {text}: give numbers in the order of the descriptors, as in 1,0.5,"
            " or all with their names, as in hog=0.5"
        )
    if not any(named):
        return numbers
    weights = dict(zip((alias.strip() for alias, _, _ in pairs), numbers, strict=True))
    if len(weights) < len(pairs):
        raise click.UsageError(f"--weights {text}: give each descriptor one weight")
    return weights


class FiniteRange(click.FloatRange):
    """A range of numbers, without NaN and infinity."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def quiet_option(function: F) -> F:
    """Add ``--quiet``."""
    return click.option(
        "--quiet", is_flag=True, help="Beside results, print only what goes wrong."
    )(function)


def version_option(function: F) -> F:
    """Add ``--version``."""
    return click.version_option(__version__, prog_name="cbir")(function)
