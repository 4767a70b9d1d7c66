"""What ``cbir duplicates`` does: find groups or copies of queries, print them, mark pairs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import click

from cbir.cli.duplicates.actions import act_on, check_action, summary
from cbir.cli.duplicates.formats import Printer
from cbir.cli.duplicates.options import DIFFERENT, Options
from cbir.cli.progress import TerminalProgress
from cbir.cli.queries import query_paths
from cbir.core.amounts import counted
from cbir.core.errors import CbirError, UnreadableImageError, printable
from cbir.duplicates import exclusions, grouping, querying
from cbir.duplicates.collection import Collection, open_collection
from cbir.duplicates.model import Group, ImageRecord
from cbir.reports.duplicates_page import REPORT, write_report


def mark_different(options: Options) -> int:
    """Note the pairs that were judged different."""
    listener, path = TerminalProgress(options.quiet), options.ignore or DIFFERENT
    for first, second in options.mark_different:
        new = exclusions.mark_different(path, first, second)
        what = "noted as different" if new else "noted already"
        listener.note(f"{printable(first)}, {printable(second)}: {what} in {printable(path)}")
    return 0


def find_groups(options: Options) -> int:
    """Print the groups, and act on them."""
    if options.report is not None:
        in_use = (options.index_path, options.ignore, options.log)
        REPORT.file.check(options.report, in_use)
    if options.action != "list" and options.dataset is not None:
        check_action(options, options.dataset)
    is_excluded = _is_excluded(options)
    with TerminalProgress(options.quiet) as listener, _opened(options, listener) as collection:
        groups = grouping.find_groups(
            collection,
            options.level,
            threshold=options.threshold,
            keep=options.keep or "best",
            is_excluded=is_excluded,
            allow_loss=options.allow_loss,
            workers=options.workers,
            listener=listener,
        )
    try:
        if options.report is not None:
            _write_report(options, collection, groups, listener)
    finally:  # neither is lost if the other cannot be written
        if options.prints:
            printer = Printer(
                options.format_ or "text", null=options.null, metadata=options.columns
            )
            for group in groups:
                printer.print(group)
            printer.finish()
    listener.note(summary(groups))
    if options.strict and collection.unreadable:
        raise click.ClickException(f"{len(collection.unreadable):,} unreadable and --strict")
    code = act_on(groups, collection.root, options) if options.action != "list" else 0
    return code or int(options.exit_code and bool(groups))


def find_copies(options: Options) -> int:
    """Print the copies of the queries."""
    queries = query_paths(options.queries, options.from0)
    printer = Printer(options.format_ or "text", queries, options.null, options.columns)
    is_excluded = _is_excluded(options)
    copied = unreadable = 0
    with TerminalProgress(options.quiet) as listener, _opened(options, listener) as collection:
        for found in querying.find_copies(
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
    printer.finish()
    listener.note(f"{copied:,} of {counted(len(queries), 'query')} with copies")
    if unreadable:
        click.echo(
            f"{unreadable:,} of {counted(len(queries), 'query')} could not be read", err=True
        )
    if unreadable == len(queries) or (options.strict and (unreadable or collection.unreadable)):
        return 1
    return int(options.exit_code and copied > 0)


def _opened(options: Options, listener: TerminalProgress) -> AbstractContextManager[Collection]:
    return open_collection(
        options.dataset,
        options.index_path,
        options.references,
        options.level,
        include=options.include,
        exclude=options.exclude,
        where=options.where,
        columns=options.columns,
        candidates=options.candidates,
        workers=options.workers,
        wait=options.wait,
        listener=listener,
    )


def _is_excluded(options: Options) -> Callable[[ImageRecord, ImageRecord], bool]:
    if options.ignore is None:
        return grouping.nothing_excluded
    # The library takes a missing file for an empty one. Here it may be a slip, after which
    # images that were judged different would be acted on.
    if not os.path.exists(options.ignore):
        raise CbirError(
            f"{printable(options.ignore)}: there is no such file for --ignore; make it with"
            " --mark-different"
        )
    return exclusions.read_exclusions(options.ignore).is_excluded


def _write_report(
    options: Options, collection: Collection, groups: Sequence[Group], listener: TerminalProgress
) -> None:
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
