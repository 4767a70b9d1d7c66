"""``cbir duplicates``: find the copies of images, and act on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence, Set
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import click

from cbir.cli.choices import Choice
from cbir.cli.duplicates.formats import FORMATS, Printer
from cbir.cli.duplicates.options import Options
from cbir.cli.options import (
    Command,
    dataset_option,
    pattern_options,
    quiet_option,
    version_option,
    wait_option,
    workers_option,
)
from cbir.cli.progress import TerminalProgress
from cbir.cli.queries import query_paths
from cbir.core.amounts import counted
from cbir.core.errors import CbirError, UnreadableImageError, printable
from cbir.duplicates.losses.kinds import LOSSES
from cbir.duplicates.model import COPY_LEVELS, KEEP_POLICIES, Group, ImageRecord

if TYPE_CHECKING:
    from cbir.duplicates.collection import Collection

_ACTIONS = ("list", "move", "hardlink", "symlink", "delete")
_DIFFERENT = "different.txt"


_SECTIONS = {
    "Common options": "--dataset --level --action --report --format --quiet".split(),
    "What is compared": "--index --reference --query --threshold --include --exclude".split(),
    "Which image stays": "--keep --allow-loss --ignore --mark-different".split(),
    "Actions": (
        "--move-to --permanently --sidecars --follow-links --yes --dry-run --log --undo".split()
    ),
    "For scripts": "--null --from0 --exit-code --strict --wait --workers".split(),
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
    f"  [default: {_DIFFERENT}]",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there are duplicates.")
@pattern_options
@workers_option
@click.option("--strict", is_flag=True, help="Fail, and do nothing, if an image cannot be read.")
@wait_option
@quiet_option
@version_option
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

        code = take_back(options.undo, options)
    elif options.mark_different:
        code = _mark(options)
    elif options.queries:
        code = _ask(options)
    else:
        code = _find(options)
    sys.exit(code)


def _given(context: click.Context) -> set[str]:
    """Return the long names of the options that are on the command line, and DIR."""
    return {
        max(parameter.opts, key=len) if isinstance(parameter, click.Option) else "DIR"
        for parameter in context.command.params
        if parameter.name is not None
        and context.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE
    }


def _mark(options: Options) -> int:
    from cbir.duplicates.exclusions import mark_different

    path = options.ignore or _DIFFERENT
    for first, second in options.mark_different:
        new = mark_different(path, first, second)
        if not options.quiet:
            what = "noted as different" if new else "noted already"
            click.echo(
                f"{printable(first)}, {printable(second)}: {what} in {printable(path)}", err=True
            )
    return 0


def _find(options: Options) -> int:
    """Print the groups, and act on them."""
    from cbir.cli.duplicates.actions import act_on, check_action, summary
    from cbir.duplicates.grouping import find_groups

    if options.report is not None:
        from cbir.reports.duplicates_page import check_report

        in_use = (options.index_path, options.ignore, options.log)
        check_report(options.report, [path for path in in_use if path is not None])
    if options.action != "list" and options.dataset is not None:
        check_action(options, options.dataset)
    is_excluded = _is_excluded(options)
    listener = TerminalProgress(options.quiet)
    try:
        with _opened(options, listener) as collection:
            groups = find_groups(
                collection,
                options.level,
                threshold=options.threshold,
                keep=options.keep or "best",
                is_excluded=is_excluded,
                allow_loss=options.allow_loss,
                workers=options.workers,
                listener=listener,
            )
    finally:
        listener.finish()
    try:
        if options.report is not None:
            _write_report(options, collection, groups, listener)
    finally:  # neither is lost if the other cannot be written
        if options.prints:
            _print(options, groups)
    listener.note(summary(groups))
    if options.strict and collection.unreadable:
        click.echo(f"Error: {len(collection.unreadable):,} unreadable and --strict", err=True)
        return 1
    code = act_on(groups, collection.root, options) if options.action != "list" else 0
    return code or int(options.exit_code and bool(groups))


def _ask(options: Options) -> int:
    """Print the copies of the queries."""
    from cbir.duplicates.querying import find_copies

    queries = query_paths(options.queries, options.from0)
    is_excluded, printer = _is_excluded(options), _printer(options, queries)
    listener = TerminalProgress(options.quiet)
    copied = unreadable = 0
    try:
        with _opened(options, listener) as collection:
            for found in find_copies(
                collection,
                queries,
                options.level,
                threshold=options.threshold,
                is_excluded=is_excluded,
                allow_loss=options.allow_loss,
                workers=options.workers,
                listener=listener,
            ):
                if isinstance(found, UnreadableImageError):
                    listener.unreadable(found)
                    unreadable += 1
                elif found.copies:
                    with listener.paused():
                        printer.print(found)
                    copied += 1
    finally:
        listener.finish()
    printer.finish()
    if not options.quiet:
        click.echo(f"{copied:,} of {counted(len(queries), 'query')} with copies", err=True)
    if unreadable:
        click.echo(
            f"{unreadable:,} of {counted(len(queries), 'query')} could not be read", err=True
        )
    if unreadable == len(queries) or (options.strict and (unreadable or collection.unreadable)):
        return 1
    return int(options.exit_code and copied > 0)


def _opened(options: Options, listener: TerminalProgress) -> AbstractContextManager[Collection]:
    from cbir.duplicates.collection import open_collection

    return open_collection(
        options.dataset,
        options.index_path,
        options.references,
        options.level,
        include=options.include,
        exclude=options.exclude,
        workers=options.workers,
        wait=options.wait,
        listener=listener,
    )


def _is_excluded(options: Options) -> Callable[[ImageRecord, ImageRecord], bool]:
    if options.ignore is None:
        from cbir.duplicates.grouping import nothing_excluded

        return nothing_excluded
    from cbir.duplicates.exclusions import read_exclusions

    # The library takes a missing file for an empty one. Here it may be a slip, after which
    # images that were judged different would be acted on.
    if not os.path.exists(options.ignore):
        raise CbirError(
            f"{printable(options.ignore)}: there is no such file for --ignore; make it with"
            " --mark-different"
        )
    return read_exclusions(options.ignore).is_excluded


def _printer(options: Options, queries: Sequence[str] | None = None) -> Printer:
    if options.null:
        return Printer("paths", queries, b"\0")
    return Printer(options.format_ or "text", queries)


def _print(options: Options, groups: Sequence[Group]) -> None:
    printer = _printer(options)
    for group in groups:
        printer.print(group)
    printer.finish()


def _write_report(
    options: Options, collection: Collection, groups: Sequence[Group], listener: TerminalProgress
) -> None:
    from cbir.reports.duplicates_page import write_report

    assert options.report is not None
    notes = write_report(
        options.report,
        groups,
        images=len(collection.records),
        level=options.level,
        threshold=options.threshold,
        keep=options.keep or "best",
        workers=options.workers,
        listener=listener,
    )
    for note in notes:
        listener.note(note)
    listener.note(f"Report: {printable(options.report)}")
