"""Take the steps of a plan: each is logged, taken, and logged again."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from cbir.changes.left_file import LeftFile
from cbir.changes.log import ActionLog
from cbir.changes.logged_steps import Intent, State
from cbir.changes.recovery import recover
from cbir.changes.refusals import StepRefusedError
from cbir.core.errors import printable, reason_of
from cbir.core.messages import Message, Parameter
from cbir.core.progress import ProgressListener

_Step = TypeVar("_Step")


@dataclass(frozen=True, slots=True)
class CurrentStep:
    """A step that is being taken.

    Attributes
    ----------
    name : str
        Of its file, for messages.
    intent : Intent
    finish : callable
        Notes that it is done.
    """

    name: str
    intent: Intent
    finish: Callable[[], None]


@dataclass
class StepRunner:
    """Takes steps, and keeps a log of them.

    Parameters
    ----------
    log : ActionLog
    listener : ProgressListener
        Told of progress, and of each file that is skipped or fails.
    stopped : callable
        Asked before each step whether to stop.

    Attributes
    ----------
    skipped, failed : list of LeftFile
    """

    log: ActionLog
    listener: ProgressListener
    stopped: Callable[[], bool]
    skipped: list[LeftFile] = field(default_factory=list)
    failed: list[LeftFile] = field(default_factory=list)
    _current: CurrentStep | None = None
    """The step that is neither done nor given up."""

    def run(
        self, task: str, steps: Iterable[_Step], total: int, take: Callable[[_Step], None]
    ) -> bool:
        """Take steps one after the other; say whether that was interrupted."""
        interrupted = False
        self.listener.begin(task, total)
        try:
            for step in steps:
                if self.stopped():
                    interrupted = True
                    break
                take(step)
                self.listener.advance()
        except KeyboardInterrupt:
            interrupted = True
            if self._current is not None:
                self._give_up(self._current, "interrupted")
        self.listener.end()
        return interrupted

    def attempt(self, current: CurrentStep, perform: Callable[[], None]) -> bool:
        """Log a step, take it by `perform`, log what came of it, and say whether it was done."""
        intent = current.intent
        try:
            self.log.begin(intent)
        except StepRefusedError as reason:
            self.skip(current.name, intent.path, str(reason))
            return False
        self._current = current
        done = False
        try:
            perform()
        except StepRefusedError as reason:
            done = self._give_up(current, str(reason), "skipped")
        except OSError as error:
            done = self._give_up(current, _explained(intent, error), number=error.errno or 0)
        else:
            self.log.end(intent.number, "done")
            current.finish()
            done = True
        self._current = None
        return done

    def skip(self, name: str, path: str, reason: str) -> None:
        """Note that a step is not begun."""
        self.log.skip(path, reason)
        self._tell(self.skipped, name, reason)

    def _give_up(
        self, current: CurrentStep, reason: str, outcome: State = "failed", number: int = 0
    ) -> bool:
        """Find out what came of a step that did not end well, and undo a half of it."""
        intent = current.intent
        state = recover(intent)
        if state == "done":
            self.log.end(intent.number, "done")
            current.finish()
            name = printable(current.name)
            self.listener.warn(Message(f"{name}: ", reason, "; but it was done"))
            return True
        if state == "aside":
            aside = printable(intent.path_aside)
            reason = Message(reason, f"; it is at {aside}, from where an undo brings it back")
        self.log.end(intent.number, outcome if state == "not done" else state, reason)
        where = self.skipped if outcome == "skipped" else self.failed
        self._tell(where, current.name, reason, number)
        return False

    def _tell(self, where: list[LeftFile], name: str, reason: str, number: int = 0) -> None:
        left_file = LeftFile(name, reason, number)
        where.append(left_file)
        self.listener.warn(left_file.message)


def never() -> bool:
    """Say that a run is not to stop before its end."""
    return False


def _explained(intent: Intent, error: OSError) -> str:
    reason = reason_of(error)
    if intent.action == "delete" and not intent.permanently:
        refused = f"it cannot be put in the trash: {printable(reason)}"
        if intent.kept is None:
            return refused
        return Message(
            f"{refused}; move it, or delete it for good with ", Parameter("permanently", True)
        )
    if intent.action == "hardlink" and error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK):
        return f"no hard link can be made here: {reason}; use a symbolic link, or move it"
    return f"cannot {intent.action} it: {reason}"
