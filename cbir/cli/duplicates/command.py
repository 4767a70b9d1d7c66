"""``cbir duplicates``: find the copies of images, and act on them."""

from __future__ import annotations

import sys
from collections.abc import Sequence, Set
from typing import Any

import click

from cbir.cli.choices import Choice
from cbir.cli.command import Command
from cbir.cli.duplicates.formats import FORMATS
from cbir.cli.duplicates.options import DIFFERENT, Options
from cbir.cli.options import (
    dataset_option,
    listed,
    once,
    pattern_options,
    usual_options,
    wait_option,
    where_option,
    workers_option,
)
from cbir.duplicates.loss import LOSSES
from cbir.duplicates.model import COPY_LEVELS, KEEP_POLICIES

_ACTIONS = ("list", "move", "hardlink", "symlink", "delete")

_SECTIONS = {
    "Common options": "--dataset --level --action --report --format --quiet".split(),
    "What is compared": (
        "--index --reference --query --threshold --candidates --include --exclude --where".split()
    ),
    "Which image stays": "--keep --allow-loss --ignore --mark-different".split(),
    "Actions": (
        "--move-to --permanently --sidecars --follow-links --yes --dry-run --log --undo".split()
    ),
    "For scripts": "--null --from0 --columns --exit-code --strict --wait --workers".split(),
}


def _kinds(_: click.Context, __: click.Parameter, value: Sequence[str]) -> Set[str]:
    """Return the kinds of losses that are named, by one or several uses of the option."""
    kinds = [kind.strip() for one in value for kind in one.split(",")]
    for kind in kinds:
        if kind not in LOSSES:
            raise click.BadParameter(f"{kind!r} is not one of {', '.join(LOSSES)}")
    return frozenset(kinds)


@click.command(cls=Command, sections=_SECTIONS)
@dataset_option()
@click.option(
    "-i",
    "--index",
    "index_path",
    metavar="FILE",
    help="Keep what is computed here, and update it; without --dataset, take it as it is."
    "  [default: a temporary file]",
)
@click.option(
    "--reference",
    "references",
    metavar="DIR",
    multiple=True,
    help="A folder of images that stay whatever happens; repeatable.",
)
@click.option(
    "-q",
    "--query",
    "queries",
    metavar="PATH",
    multiple=True,
    help="Find only the copies of this: an image, a folder of them, or - for paths on standard"
    " input; repeatable.",
)
@click.option("--from0", is_flag=True, help="Paths on standard input end with NUL.")
@click.option(
    "--level",
    type=Choice(COPY_LEVELS),
    default="near",
    show_default=True,
    help="exact: same bytes or pixels; near: also recompressed, resized, recolored; edited: also"
    " cropped, padded, rotated, mirrored, written on, placed in another.",
)
@click.option(
    "--threshold",
    type=click.IntRange(0, 256),
    metavar="N",
    help="The largest distance of a copy, 0 to 256.  [default: the level's own]",
)
@click.option(
    "--keep",
    type=Choice(KEEP_POLICIES),
    help="Which one of a group stays. best: most real detail, then color, then pages and"
    " bits, then least compressed, then most of the scene; enlarging, noise and sharpening do not"
    " count. Of equal ones the older file, then the name without marks of copying."
    "  [default: best]",
)
@click.option(
    "--allow-loss",
    metavar="KIND,...",
    multiple=True,
    callback=_kinds,
    help="Let copies go though they show what is lost with them, else they stay: "
    f"{', '.join(LOSSES)}; repeatable.",
)
@click.option("--ignore", metavar="FILE", help="Pairs that were judged different; they stay apart.")
@click.option("--format", "format_", type=Choice(FORMATS), help="[default: text]")
@click.option("-0", "--null", is_flag=True, help="End paths with NUL; implies --format paths.")
@click.option("--report", metavar="FILE", help="Write a page (.html) with the groups to look at.")
@click.option(
    "--action",
    type=Choice(_ACTIONS),
    default="list",
    show_default=True,
    help="What to do with the copies; all but list show a plan and ask first.",
)
@click.option("--move-to", metavar="DIR", help="Where --action move puts the copies.")
@click.option("--permanently", is_flag=True, help="Delete for good, not to the desktop's trash.")
@click.option(
    "--sidecars",
    is_flag=True,
    help="Move, or put in the trash, also what goes with a copy: b.xmp, b.jpg.json, b.mov …",
)
@click.option(
    "--follow-links",
    is_flag=True,
    help="Act also on copies that are outside of the dataset, behind linked folders in it.",
)
@click.option("--yes", is_flag=True, help="Act without asking.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@click.option(
    "--log",
    metavar="FILE",
    help="Where to write what is done.  [default: a new file here, named by the time]",
)
@click.option("--undo", metavar="LOG", help="Take back what a log tells, as far as it can be.")
@click.option(
    "--mark-different",
    metavar="A B",
    nargs=2,
    multiple=True,
    help=f"Note that two images are different, in the file of --ignore; repeatable."
    f"  [default: {DIFFERENT}]",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there are duplicates.")
@click.option(
    "--candidates",
    metavar="SPEC",
    callback=once,
    multiple=True,
    help="With --level edited, also compare each image with the 10 nearest by this descriptor, such"
    " as cnn.",
)
@pattern_options
@where_option
@click.option(
    "--columns",
    metavar="NAME,…",
    callback=listed,
    multiple=True,
    help="Tell what these columns of metadata say of each image, in --report and in formats for"
    " programs.",
)
@workers_option
@click.option("--strict", is_flag=True, help="Fail, and do nothing, if an image cannot be read.")
@wait_option
@usual_options
@click.pass_context
def duplicates(context: click.Context, /, **values: Any) -> None:
    """Find the copies of images.

    Groups of copies go to standard output, the image that stays first. Nothing is changed unless
    --action says so, and then only after a question; moves and links can be taken back.

    The exit code is 0 whether or not there are duplicates, 1 if something failed, 2 for wrong
    usage.

    \b
    Examples:
      cbir duplicates photos
      cbir duplicates photos --level edited --report copies.html
      cbir duplicates photos --action move --move-to copies
      cbir duplicates --undo cbir-duplicates-20250131-120000.log
      cbir duplicates new --reference photos --action delete
      cbir duplicates --mark-different a.jpg b.jpg

    \b
    For scripts:
      cbir duplicates photos -i photos.csv --format jsonl --quiet
      cbir duplicates photos -0 | xargs -0 ls -l
      cbir duplicates photos --query new.jpg --exit-code --quiet || echo "have it"
      cbir duplicates photos --level exact --action hardlink --yes --log links.log
    """
    options = Options(**values)
    options.check(_given(context))
    if options.undo is not None:
        from cbir.cli.duplicates.actions import take_back

        sys.exit(take_back(options.undo, options))
    # What it imports takes its time, which neither help nor wrong usage should wait for.
    from cbir.cli.duplicates import tasks

    if options.mark_different:
        sys.exit(tasks.mark_different(options))
    sys.exit(tasks.find_copies(options) if options.queries else tasks.find_groups(options))


def _given(context: click.Context) -> set[str]:
    """Return the long names of the options that are on the command line, and DIR."""
    return {
        max(parameter.opts, key=len) if isinstance(parameter, click.Option) else "DIR"
        for parameter in context.command.params
        if parameter.name is not None
        and context.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE
    }
