"""Carry out a plan: each step is checked, logged, taken, and logged again."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field

from cbir.actions.checking import Checked, UnfitError, check
from cbir.actions.clearing import resolve, tidy
from cbir.actions.files import (
    free_name,
    missing_folders,
    move_new,
    remove_aside,
    same_file,
)
from cbir.actions.log import ActionLog, Intent, State
from cbir.actions.planning import Plan, Step, Told
from cbir.errors import printable, reason_of
from cbir.stores.files import sync_folder
from cbir.watching import Watcher


@dataclass(frozen=True, slots=True)
class ActionReport:
    """What came of a plan.

    Attributes
    ----------
    done : tuple of Step
    skipped : tuple of Told
        Copies that were left alone, because they or their keepers were not what they had been.
    failed : tuple of Told
        Copies that the system did not let be moved, linked or deleted; they are where they were.
    bytes_freed : int
        Of the copies that are done; those that have further hard links count for nothing.
    log : str
        The log's path, for :func:`cbir.actions.undo`.
    interrupted : bool
        There was a KeyboardInterrupt; steps that are in no list were not begun.
    """

    done: tuple[Step, ...]
    skipped: tuple[Told, ...]
    failed: tuple[Told, ...]
    bytes_freed: int
    log: str
    interrupted: bool = False


def act(plan: Plan, log_path: str, watcher: Watcher | None = None) -> ActionReport:
    """Carry out a plan.

    Just before each step keeper and copy are read again: unless they are what they were when they
    were compared, and, at level ``exact``, have the same bytes or the same pixels, the copy stays.

    Parameters
    ----------
    plan : Plan
    log_path : str
        Each step is told there, durably, before it is taken. A log that is there is continued;
        what a killed run left unfinished in it is cleared up first.
    watcher : Watcher, optional
        Told of progress, and of each copy that is skipped or fails.

    Raises
    ------
    CbirError
        When the log cannot be written. Nothing is done without it.
    """
    head = {"action": plan.action, "root": plan.root}
    if plan.destination is not None:
        head["destination"] = plan.destination
    path = os.path.abspath(log_path)
    with ActionLog.opened(path, head, new=True) as log:
        tidy(log)
        return _Run(plan, log, watcher or Watcher()).report()


@dataclass
class _Run:
    plan: Plan
    log: ActionLog
    watcher: Watcher
    _done: list[Step] = field(default_factory=list)
    _skipped: list[Told] = field(default_factory=list)
    _failed: list[Told] = field(default_factory=list)
    _freed: int = 0
    _begun: Intent | None = None
    """The step that is neither done nor given up."""

    def report(self) -> ActionReport:
        interrupted = False
        self.watcher.begin(self.plan.action, len(self.plan.steps))
        try:
            for step in self.plan.steps:
                self._take(step)
                self.watcher.advance()
        except KeyboardInterrupt:
            interrupted = True
            if self._begun is not None:
                self._give_up(step, self._begun, "interrupted")
        self.watcher.end()
        self._sync_folders()
        done, skipped, failed = tuple(self._done), tuple(self._skipped), tuple(self._failed)
        return ActionReport(done, skipped, failed, self._freed, self.log.path, interrupted)

    def _take(self, step: Step) -> None:
        try:
            checked = check(step)
        except UnfitError as reason:
            self.log.skip(step.copy, str(reason))
            self._tell(self._skipped, step, str(reason))
            return
        intent = self._intent(checked)
        self.log.begin(intent)
        self._begun = intent
        try:
            checked.confirm()
            _carry_out(intent)
        except UnfitError as reason:
            self.log.end(intent.number, "skipped", str(reason))
            self._tell(self._skipped, step, str(reason))
        except FileExistsError:  # it is another program's: nothing to clear up
            self._fail(step, intent, "something else was put at its new place just now")
        except OSError as error:
            self._give_up(step, intent, _explained(intent, error))
        else:
            self._finish(step, intent, checked.copy.st_nlink)
        self._begun = None

    def _intent(self, checked: Checked) -> Intent:
        step, status, number = checked.step, checked.copy, self.log.number()
        target = free_name(step.target) if step.target is not None else None
        folder = os.path.dirname(target or step.copy)
        return Intent(
            number=number,
            action=self.plan.action,
            copy=step.copy,
            keeper=step.keeper,
            target=target,
            link=self._link(step) if self.plan.action == "symlink" else None,
            aside=os.path.join(folder, f".cbir-{self.log.token}-{number}"),
            made=tuple(missing_folders(folder)),
            sha256=step.removal.copy_sha256.hex(),
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            mode=status.st_mode & 0o7777,
            uid=status.st_uid,
            gid=status.st_gid,
            permanently=self.plan.permanently,
        )

    def _link(self, step: Step) -> str:
        """Return a relative link inside of the dataset, which then can be moved as a whole."""
        root = os.path.realpath(self.plan.root)
        inside = all(os.path.commonpath([root, path]) == root for path in (step.keeper, step.copy))
        return os.path.relpath(step.keeper, os.path.dirname(step.copy)) if inside else step.keeper

    def _finish(self, step: Step, intent: Intent, names: int) -> None:
        self.log.end(intent.number, "done")
        self._done.append(step)
        self._freed += intent.size if names == 1 else 0

    def _give_up(self, step: Step, intent: Intent, reason: str) -> None:
        """Find out what came of a step that did not end well, and undo a half of it."""
        state = resolve(intent)
        if state == "done":
            self._finish(step, intent, names=1)
        else:
            self._fail(step, intent, reason, "failed" if state == "not done" else state)

    def _fail(self, step: Step, intent: Intent, reason: str, state: State = "failed") -> None:
        self.log.end(intent.number, state, reason)
        self._tell(self._failed, step, reason)

    def _tell(self, where: list[Told], step: Step, reason: str) -> None:
        told = Told(step.removal.copy, reason)
        where.append(told)
        self.watcher.warn(str(told))

    def _sync_folders(self) -> None:
        """Make the new names durable; until then the log's intents and the disk tell of them."""
        for folder in sorted({os.path.dirname(step.copy) for step in self._done}):
            sync_folder(folder)


def _carry_out(intent: Intent) -> None:
    if intent.action == "move":
        assert intent.target is not None
        os.makedirs(os.path.dirname(intent.target), exist_ok=True)
        move_new(intent.copy, intent.target, intent.aside, intent.digest)
    elif intent.action == "delete":
        _delete(intent)
    else:
        _link(intent)


def _link(intent: Intent) -> None:
    """Make the link under a temporary name, and put it in the place of the copy at once."""
    if intent.link is not None:
        os.symlink(intent.link, intent.aside)
        leads = os.path.realpath(intent.aside) == intent.keeper
    else:
        os.link(intent.keeper, intent.aside, follow_symlinks=False)
        leads = same_file(intent.aside, intent.keeper)
    if not leads:
        remove_aside(intent.aside)
        raise OSError(errno.ESTALE, "the link would not lead to its keeper", intent.copy)
    os.replace(intent.aside, intent.copy)


def _delete(intent: Intent) -> None:
    if intent.permanently:
        os.unlink(intent.copy)
        return
    from send2trash import send2trash

    try:
        send2trash(intent.copy)
    except Exception as error:  # each desktop's trash has errors of its own
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        raise OSError(errno.EIO, reason, intent.copy) from None
    if os.path.lexists(intent.copy):
        raise OSError(errno.EIO, "the desktop's trash left it where it was", intent.copy)


def _explained(intent: Intent, error: OSError) -> str:
    reason = reason_of(error)
    if intent.action == "delete" and not intent.permanently:
        return (
            f"it cannot be put in the trash: {printable(reason)}; move it, or delete it for good"
            " with --permanently"
        )
    if intent.action == "hardlink" and error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK):
        return f"no hard link can be made here: {reason}; use a symbolic link, or move it"
    return f"cannot {intent.action} it: {reason}"
