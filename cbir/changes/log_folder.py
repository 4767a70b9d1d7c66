"""The logs of a folder: a name for a new one, and what there is."""

from __future__ import annotations

import datetime
import os
import stat
from collections import Counter
from dataclasses import dataclass

from cbir.changes.files import free_name
from cbir.changes.log import check_within, read_log
from cbir.changes.log_lines import LONGEST_LINE, parsed, text_of
from cbir.changes.logged_steps import Action, LoggedStep
from cbir.changes.undoing import TO_UNDO
from cbir.core.atomic_files import explained
from cbir.core.errors import CbirError

_START, _END = "cbir-", ".log"

_Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What a log tells, in numbers.

    Attributes
    ----------
    path : str
    time : datetime or None
        When its first run began; None where it does not say.
    steps : int
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
    steps: int
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


class LogFolder:
    """A folder of logs, of which those that did not change are read once; threads may share it.

    Parameters
    ----------
    path : str
    root : str, optional
        The only dataset of which its logs may tell; others are listed with that as the problem.
    """

    def __init__(self, path: str, root: str | None = None) -> None:
        self.path = path
        self.root = root
        self._known: dict[str, tuple[_Stamp, LogSummary]] = {}

    def summaries(self) -> list[LogSummary]:
        """Tell what the logs say that are called as :func:`new_log` does, the last first.

        Those that tell of nothing, not even when they were begun, are left out.

        Raises
        ------
        CbirError
            When the folder cannot be listed.
        """
        with explained(self.path, "list the logs"):
            names = os.listdir(self.path)
        found = dict[str, tuple[_Stamp, LogSummary]]()
        for name in names:
            if not (name.startswith(_START) and name.endswith(_END)):
                continue
            path = os.path.join(self.path, name)
            stamp = _stamp(path)
            if stamp is not None:
                known = self._known.get(path)
                # What became of a step that is open, the files tell, and not the log.
                if known is None or known[0] != stamp or known[1].open:
                    known = stamp, _summary(path, self.root)
                found[path] = known
        self._known = found
        summaries = (summary for _, summary in found.values())
        return sorted(filter(_tells, summaries), key=_order, reverse=True)


def list_logs(folder: str, root: str | None = None) -> list[LogSummary]:
    """Tell what the logs of a folder say, as :meth:`LogFolder.summaries` does.

    Raises
    ------
    CbirError
        When the folder cannot be listed.
    """
    return LogFolder(folder, root).summaries()


def _order(summary: LogSummary) -> tuple[float, bytes]:
    return summary.time.timestamp() if summary.time else 0.0, os.fsencode(summary.path)


def _tells(summary: LogSummary) -> bool:
    return bool(summary.time or summary.problem or summary.steps)


def _stamp(path: str) -> _Stamp | None:
    """Return what of a regular file changes when its contents do; None for anything else."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _summary(path: str, root: str | None) -> LogSummary:
    try:
        steps = read_log(path)
        check_within(path, steps, root)
    except CbirError as error:
        return LogSummary(path, None, 0, {}, problem=str(error))
    done = [step.intent.action for step in steps if step.intent and step.state == "done"]
    states = Counter(step.state for step in steps)
    return LogSummary(
        path,
        _began(path),
        len(steps),
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
