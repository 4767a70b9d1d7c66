"""The logs of a folder: a name for a new one, and what there is."""

from __future__ import annotations

import datetime
import os
import stat
from collections import Counter
from dataclasses import dataclass

from cbir.changes.files import free_name
from cbir.changes.log import read_log
from cbir.changes.log_lines import LONGEST_LINE, parsed, text_of
from cbir.changes.logged_steps import Action, LoggedStep
from cbir.changes.undoing import TO_UNDO
from cbir.core.atomic_files import explained
from cbir.core.errors import CbirError

_START, _END = "cbir-", ".log"


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What a log tells, in numbers.

    Attributes
    ----------
    path : str
    time : datetime or None
        When its first run began; None where it does not say.
    done : dict of str to int
        How many steps of each action are done, and not undone.
    undone, left : int
        How many steps were taken back, and how many came to nothing: skipped, failed or not done.
    to_undo : int
        How many an undo would look at: those that are done, but not those of what was deleted for
        good, and those in which a run was killed.
    open : int
        How many of these a run is taking just now, or was killed in.
    problem : str
        Why it cannot be read; nothing when it can.
    """

    path: str
    time: datetime.datetime | None
    done: dict[Action, int]
    undone: int = 0
    left: int = 0
    to_undo: int = 0
    open: int = 0
    problem: str = ""


def new_log(folder: str = "", name: str = "changes") -> str:
    """Return a path for a new log in a folder, by the time: ``cbir-NAME-DATE-TIME.log``.

    Examples
    --------
    >>> new_log("logs", "changes")[:18]
    'logs/cbir-changes-'
    """
    now = datetime.datetime.now().astimezone()
    return free_name(os.path.join(folder, f"{_START}{name}-{now:%Y%m%d-%H%M%S-%f}{_END}"))


def list_logs(folder: str) -> list[LogSummary]:
    """Tell what the logs of a folder say that are called as :func:`new_log` does, the last first.

    Raises
    ------
    CbirError
        When the folder cannot be listed.
    """
    with explained(folder, "list the logs"):
        names = os.listdir(folder)
    paths = [
        os.path.join(folder, name)
        for name in sorted(names, key=os.fsencode)
        if name.startswith(_START) and name.endswith(_END)
    ]
    summaries = [_summary(path) for path in paths if _is_regular(path)]
    return sorted(summaries, key=_order, reverse=True)


def _order(summary: LogSummary) -> tuple[float, bytes]:
    return summary.time.timestamp() if summary.time else 0.0, os.fsencode(summary.path)


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _summary(path: str) -> LogSummary:
    try:
        steps = read_log(path)
    except CbirError as error:
        return LogSummary(path, None, {}, problem=str(error))
    done = [step.intent.action for step in steps if step.intent and step.state == "done"]
    states = Counter(step.state for step in steps)
    return LogSummary(
        path,
        _began(path),
        dict(Counter(done)),
        undone=states["undone"],
        left=sum(states[state] for state in ("skipped", "failed", "not done")),
        to_undo=sum(_is_to_undo(step) for step in steps),
        open=sum(step.open for step in steps),
    )


def _is_to_undo(step: LoggedStep) -> bool:
    for_good = step.intent is not None and step.intent.permanently
    return step.state in TO_UNDO and not for_good


def _began(path: str) -> datetime.datetime | None:
    """Return the time of the first line."""
    try:
        with open(path, "rb") as file:
            time = text_of(parsed(file.readline(LONGEST_LINE + 1)), "time")
        return datetime.datetime.fromisoformat(time).astimezone(datetime.UTC)
    except (OSError, ValueError, OverflowError):
        return None
