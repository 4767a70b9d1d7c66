"""Show what is going to be done with copies, ask, do it, and tell what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

import click

from cbir.changes.log_folder import new_log
from cbir.changes.undoing import TO_UNDO
from cbir.cli.duplicates.options import Options
from cbir.cli.interrupts import INTERRUPTED
from cbir.cli.progress import TerminalProgress
from cbir.cli.wording import worded
from cbir.core.amounts import counted, size_text
from cbir.core.command_words import quoted
from cbir.core.errors import CbirError, printable
from cbir.core.overwriting import Output
from cbir.duplicates.actions import (
    Action,
    ActionReport,
    LoggedStep,
    Plan,
    Removal,
    UndoReport,
    act,
    plan,
    read_log,
    undo,
)
from cbir.duplicates.model import Group, ImageRecord


def _is_log(path: str) -> bool:
    try:
        read_log(path)
    except CbirError:
        return False
    return True


_LOG = Output("the log", "change --log", _is_log)


def check_action(options: Options, root: str) -> None:
    """Find out before the long work whether anything could be done at its end.

    Raises
    ------
    CbirError
        When the destination cannot be used, or the log has no folder, or something else than a
        log is in its place.
    """
    _plan([], options, root)
    folder = os.path.dirname(os.path.abspath(options.log or ""))
    if not os.path.isdir(folder):
        raise CbirError(
            f"{printable(folder)}: no such folder for the log; make it, or change --log"
        )
    if options.log is not None:
        in_use = (options.index_path, options.ignore, options.report)
        _LOG.check(options.log, in_use)


def act_on(groups: Iterable[Group], root: str, options: Options) -> int:
    """Plan, ask, and act on the copies of the groups; return the exit code."""
    planned = _plan(groups, options, root)
    listener = TerminalProgress(options.quiet)
    if not options.silent:
        _show([f"In {printable(root)}:", *planned.lines()])
    if not planned.steps:
        listener.note("Nothing to do")
        return 0
    if not _agreed(_intention(planned), options):
        return 0 if options.dry_run else 1
    log = options.log or new_log(name="duplicates")
    report = act(planned, log, listener, options.wait)
    if report.interrupted or not options.quiet:
        _tell(planned, report, log)
    return INTERRUPTED if report.interrupted else int(bool(report.failed))


def take_back(log: str, options: Options) -> int:
    """Show what a log tells, ask, and take it back; return the exit code."""
    steps = read_log(log)
    listener = TerminalProgress(options.quiet)
    lines = [_undo_line(step) for step in reversed(steps) if step.state in TO_UNDO]
    if not options.silent:
        _show(lines)
    if not lines and not any(step.open for step in steps):
        listener.note("Nothing to take back")
        return 0
    if not _agreed(f"Take back {counted(len(lines), 'step')}", options):
        return 0 if options.dry_run else 1
    report = undo(log, listener, options.follow_links, options.wait)
    if report.interrupted or not options.quiet:
        _tell_undone(report)
    return INTERRUPTED if report.interrupted else int(bool(report.left))


def _plan(groups: Iterable[Group], options: Options, root: str) -> Plan:
    assert options.action != "list"
    real = os.path.realpath(root)
    removals = [
        Removal(
            kept=_from_root(group.keep, root),
            copy=_from_root(duplicate.record, root),
            kept_sha256=group.keep.sha256,
            copy_sha256=duplicate.record.sha256,
            level=duplicate.match.level,
            losses=duplicate.losses,
        )
        for group in groups
        for duplicate in group.duplicates
        if not duplicate.record.reference
    ]
    return plan(
        removals,
        options.action,
        real,
        options.move_to,
        permanently=options.permanently,
        allow_loss=options.allow_loss,
        follow_links=options.follow_links,
        sidecars=options.sidecars,
    )


def _from_root(record: ImageRecord, root: str) -> str:
    """Return a path as plans have it: relative to the dataset, or absolute."""
    return os.path.realpath(record.path) if record.reference else os.path.relpath(record.path, root)


def _intention(planned: Plan) -> str:
    what = f"{counted(len(planned.steps), 'image')} ({size_text(planned.size)})"
    intentions: dict[Action, str] = {
        "move": f"Move {what} to {printable(planned.destination or '')}",
        "hardlink": f"Replace {what} by hard links",
        "symlink": f"Replace {what} by symbolic links",
        "delete": f"Put {what} in the trash",
    }
    return f"Delete {what} for good" if planned.permanently else intentions[planned.action]


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(worded(line), err=True)


def _agreed(intention: str, options: Options) -> bool:
    """Ask on the terminal; click's own question would write to standard output, too."""
    if options.dry_run:
        click.echo(f"{intention}: not done, because of --dry-run", err=True)
        return False
    if options.yes:
        return True
    click.echo(f"{intention}? [y/N] ", nl=False, err=True)
    answer = sys.stdin.buffer.readline()
    if not answer.endswith(b"\n"):
        click.echo(err=True)
    agreed = answer.strip().lower() in (b"y", b"yes")
    if not agreed:
        click.echo("Nothing was done", err=True)
    return agreed


def _tell(planned: Plan, report: ActionReport, log: str) -> None:
    participles: dict[Action, str] = {
        "move": "moved", "hardlink": "linked", "symlink": "linked",
        "delete": "deleted" if planned.permanently else "put in the trash",
    }  # fmt: skip
    freed = ""
    if planned.makes_links or planned.permanently:
        freed = f", {size_text(report.bytes_freed)} freed"
    elif planned.action == "delete":
        trashed = sum(step.size for step in report.done)
        freed = f" ({size_text(trashed)}; freed when it is emptied)"
    copies = {step.removal.copy for step in planned.steps}
    ended = {left_file.path for left_file in (*report.skipped, *report.failed)} & copies
    not_begun = len(planned.steps) - len(report.done) - len(ended)
    parts = [f"{counted(len(report.done), 'image')} {participles[planned.action]}{freed}"]
    parts += [f"with {counted(len(report.sidecars), 'sidecar')}"] if report.sidecars else []
    parts += _counted((len(report.skipped), "skipped"), (len(report.failed), "failed"))
    parts += _counted((not_begun, "not begun"))
    click.echo(f"{'Interrupted: ' if report.interrupted else ''}{', '.join(parts)}", err=True)
    click.echo(f"Log: {printable(log)}", err=True)
    if report.done and not planned.permanently:
        click.echo(f"To take it back: cbir duplicates --undo {quoted(log)}", err=True)


def _undo_line(step: LoggedStep) -> str:
    intent, path = step.intent, printable(step.path)
    assert intent is not None
    if intent.action == "move":
        return f"move back  {path}   (from {printable(intent.target or '')})"
    if step.state == "aside":
        return f"move back  {path}   (from {printable(intent.path_aside)})"
    if intent.action == "delete":
        if intent.permanently:
            return f"leave  {path}   (deleted for good)"
        return f"restore  {path}   (from the desktop's trash)"
    if intent.action == "add":
        return f"remove  {path}   (was added; to the desktop's trash)"
    kept = printable(intent.kept or "")
    return f"unlink  {path}   (a file of its own again, not a link to {kept})"


def _tell_undone(report: UndoReport) -> None:
    parts = [f"{counted(len(report.undone), 'file')} as before"]
    parts += _counted((len(report.left), "left"), (report.already, "taken back earlier"))
    click.echo(f"{'Interrupted: ' if report.interrupted else ''}{', '.join(parts)}", err=True)


def _counted(*counts: tuple[int, str]) -> list[str]:
    return [f"{count:,} {what}" for count, what in counts if count]


def summary(groups: Sequence[Group]) -> str:
    """Count what was found, for people."""
    if not groups:
        return "No duplicates"
    duplicates = [one for group in groups for one in group.duplicates]
    copies = [one for one in duplicates if one.removable]
    staying = sum(one.stays for one in duplicates)
    size = size_text(sum(one.record.bytes for one in copies))
    what = f"with {counted(len(copies), 'removable copy')} ({size})"
    parts = [f"{counted(len(groups), 'group')} {what if copies else 'without a removable copy'}"]
    if staying:
        verb = "stays" if staying == 1 else "stay"
        parts.append(f"{counted(staying, 'copy')} that would lose something {verb}")
    largest = max(group.max_distance for group in groups)
    if largest:
        parts.append(f"the largest distance in a group is {largest}")
    return "; ".join(parts)
