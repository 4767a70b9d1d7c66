"""Options that several commands have."""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cbir.cli.choices import Choice
from cbir.core.command_words import quoted
from cbir.core.errors import UsageError, printable
from cbir.core.version import __version__

if TYPE_CHECKING:
    from cbir.search.fusion.options import Weights
from cbir.search.stage_options import (
    AVERAGED,
    EXPANDING,
    MOST_EXPANDING,
    MOST_VERIFYING,
    RERANKINGS,
    VERIFYING,
)
from cbir.stores.model import MOST_AVERAGED

F = TypeVar("F", bound=Callable[..., Any])


def dataset_option(required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
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


index_option = click.option(
    "-i",
    "--index",
    "index_path",
    metavar="FILE",
    default="index.csv",
    show_default=True,
    help="The index file: Parquet if its name ends with .parquet, else a CSV.",
)
"""``-i/--index``."""


format_option = click.option(
    "--format", "format_", type=Choice(["table", "json"]), default="table", help="[default: table]"
)
"""``--format`` of the commands that tell something."""


model_option = click.option(
    "--vocabulary",
    "--model",
    "models",
    metavar="FILE",
    multiple=True,
    help="Use this vocabulary or model: .npz, a folder of them, or another index; repeatable.",
)
"""``--model``, also called ``--vocabulary``."""


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


workers_option = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Threads.  [default: all cores]"
)
"""``--workers``."""


wait_option = click.option(
    "--wait", is_flag=True, help="Wait for another process that writes to the index."
)
"""``--wait``."""


def listed(_: click.Context, __: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """Split lists at their commas; a name with a comma in it stands in quotes, as in a CSV."""
    try:
        rows = [next(csv.reader([value], skipinitialspace=True)) or [""] for value in values]
        return tuple(name.rstrip() for row in rows for name in row)
    except csv.Error as error:
        raise click.BadParameter(f"no list of names: {error}") from None


where_option = click.option(
    "--where",
    metavar="CONDITION",
    help='Only images for which an SQL expression over their metadata holds, as in "price < 20".',
)
"""``--where``."""


def joined(_: click.Context, __: click.Parameter, value: Any) -> Any:
    """Return what names descriptors, one or several, without blanks around the plus signs."""
    if isinstance(value, str):
        return "+".join(part.strip() for part in value.split("+"))
    return value and tuple(joined(_, __, one) for one in value)


def once(context: click.Context, param: click.Parameter, values: tuple[str, ...]) -> Any:
    """Return the only value of an option, without blanks; several are not silently one."""
    if len(values) > 1:
        hint = "join descriptors by +" if param.name == "descriptor" else "one is allowed"
        given = " and ".join(f"{param.opts[0]} {value}" for value in values)
        raise click.UsageError(f"{given}: {hint}")
    return joined(context, param, values[0]) if values else None


class OptionalCount(click.IntRange):
    """A number that may be left out; what follows the option is taken for it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; of what is none, say how the option is told from it."""
        try:
            int(value)
        except ValueError:
            assert isinstance(param, click.Option)
            name, given = param.opts[0], quoted(printable(value))
            raise click.UsageError(
                f"{name} {given}: {name} takes a number, if one follows; name {given} before it, or"
                f" give the number, as in {name} {param.flag_value} {given}",
                ctx,
            ) from None
        number: int = super().convert(value, param, ctx)
        return number


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


def stage_options(function: F) -> F:
    """Add ``--expand``, ``--rerank`` and ``--verify``."""
    expand = click.option(
        "--expand",
        type=OptionalCount(1, MOST_EXPANDING),
        is_flag=False,
        flag_value=EXPANDING,
        metavar="[N]",
        help=f"Search again by the query together with the best N results; without N, {EXPANDING}.",
    )
    rerank = click.option(
        "--rerank",
        type=Choice(RERANKINGS),
        help="Rank the best results again by the neighbors that they have in common, or by how"
        " similarity flows among them; none leaves out what a preset does.",
    )
    verify = click.option(
        "--verify",
        type=OptionalCount(0, MOST_VERIFYING),
        is_flag=False,
        flag_value=VERIFYING,
        metavar="[N]",
        help="Look at the best N results whether they show the very thing of the query, and rank"
        f" those that do first; without N, {VERIFYING}. 0 leaves out what a preset does.",
    )
    return expand(rerank(verify(function)))


def dba_option(multiple: bool = False) -> Callable[[F], F]:
    """Add ``--dba``.

    Parameters
    ----------
    multiple : bool
        Whether it may be given several times.
    """
    more = " Repeatable." if multiple else ""
    return click.option(
        "--dba",
        type=OptionalCount(0, MOST_AVERAGED),
        multiple=multiple,
        is_flag=False,
        flag_value=AVERAGED,
        metavar="[N]",
        help="Database-side augmentation: compare means of each image and the N that are most like"
        f" it in the index; without N, {AVERAGED}. 0: compare images themselves.{more}",
    )


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


def usual_options(function: F) -> F:
    """Add ``--quiet`` and ``--version``."""
    quiet = click.option(
        "--quiet", is_flag=True, help="Beside results, print only what goes wrong."
    )
    return quiet(click.version_option(__version__, prog_name="cbir")(function))
