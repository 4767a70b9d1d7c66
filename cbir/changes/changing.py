"""Carry out a plan of additions and deletions: each is checked, logged, done, and logged again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from cbir.changes.change_plan import Addition, ChangePlan, ChangeStep, Deletion
from cbir.changes.files import missing_folders, opened
from cbir.changes.left_file import LeftFile
from cbir.changes.log import ActionLog, folders_of, read_log
from cbir.changes.logged_steps import PERMISSIONS, Intent
from cbir.changes.places import is_real
from cbir.changes.refusals import StepRefusedError
from cbir.changes.step_execution import add, execute
from cbir.changes.step_runner import CurrentStep, StepRunner, never
from cbir.core.atomic_files import sync_folder
from cbir.core.errors import reason_of
from cbir.core.folder_locks import locked_folders
from cbir.core.progress import ProgressListener
from cbir.core.real_paths import real_path


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What came of a plan.

    Attributes
    ----------
    done : tuple of ChangeStep
    skipped : tuple of LeftFile
        What was left alone, because its place or its contents were not what they had been.
    failed : tuple of LeftFile
        What the system did not let be added or deleted; all is as it was.
    log : str
        The log's path, for :func:`cbir.changes.undo`.
    interrupted : bool
        It was stopped, or there was a KeyboardInterrupt; steps that are in no list were not begun.
    """

    done: tuple[ChangeStep, ...]
    skipped: tuple[LeftFile, ...]
    failed: tuple[LeftFile, ...]
    log: str
    interrupted: bool = False


def change(
    plan: ChangePlan,
    log_path: str,
    listener: ProgressListener | None = None,
    wait: bool = False,
    stopped: Callable[[], bool] = never,
) -> ChangeReport:
    """Carry out a plan: delete files to the desktop's trash, and add new ones.

    A file is deleted only if it still holds what it held when it was seen. A new one is written
    under a temporary name that begins with ``.cbir-``, and gets its own name when all of it is on
    the disk; nothing is ever replaced by it. Killed at any moment, it is there as a whole, or not
    at all. One run changes a dataset at a time, those around it and those in it.

    Parameters
    ----------
    plan : ChangePlan
    log_path : str
        Each step is told there, durably, before it is taken. A log that is there is continued;
        what a killed run left unfinished in it is cleared up first.
    listener : ProgressListener, optional
        Told of progress, and of each file that is skipped or fails.
    wait : bool
        Wait for another run that changes the same files, instead of failing.
    stopped : callable
        Asked before each step whether to stop; a thread may let it be answered by another one.

    Raises
    ------
    CbirError
        When the log cannot be written: nothing is done without it. When another run changes the
        same files.
    """
    root, path = real_path(plan.root), os.path.abspath(log_path)
    folders = {root}
    if os.path.exists(path):
        folders |= folders_of(step for step in read_log(path) if step.open)
    header = {"action": "change", "root": root}
    with (
        locked_folders(folders, wait=wait),
        ActionLog.opened(path, header, new=True) as log,
    ):
        log.recover_open_steps()
        runner = StepRunner(log, listener or ProgressListener(), stopped)
        return _Run(plan, runner).report()


@dataclass
class _Run:
    plan: ChangePlan
    runner: StepRunner
    _done: list[ChangeStep] = field(default_factory=list)

    def report(self) -> ChangeReport:
        steps, runner = self.plan.steps, self.runner
        interrupted = runner.run("change", steps, len(steps), self._take)
        for folder in sorted({os.path.dirname(step.path) for step in self._done}):
            sync_folder(folder)
        skipped, failed = tuple(runner.skipped), tuple(runner.failed)
        return ChangeReport(tuple(self._done), skipped, failed, runner.log.path, interrupted)

    def _take(self, step: ChangeStep) -> None:
        change = step.change
        try:
            if not is_real(step.path):
                raise StepRefusedError("it is behind a symbolic link by now")
            if isinstance(change, Addition):
                intent = self._addition(step.path, change)
            else:
                intent = self._deletion(step.path, change)
        except StepRefusedError as reason:
            self.runner.skip(change.path, step.path, str(reason))
            return

        def perform() -> None:
            if isinstance(change, Addition):
                add(intent, change.data)
            else:
                _check(step.path, change)
                execute(intent, lambda: None)

        current = CurrentStep(change.path, intent, lambda: self._done.append(step))
        self.runner.attempt(current, perform)

    def _addition(self, path: str, addition: Addition) -> Intent:
        if os.path.lexists(path):
            raise StepRefusedError("something else is there by now")
        number = self.runner.log.number()
        folder = os.path.dirname(path)
        return Intent(
            number=number,
            action="add",
            path=path,
            kept=None,
            target=None,
            link=None,
            aside=os.path.join(folder, self.runner.log.aside(number)),
            made=tuple(missing_folders(folder)[:1]),
            sha256=hashlib.sha256(addition.data).hexdigest(),
            size=len(addition.data),
            mtime_ns=0,
            mode=0,
            uid=0,
            gid=0,
            permanently=False,
        )

    def _deletion(self, path: str, deletion: Deletion) -> Intent:
        status = _check(path, deletion)
        number = self.runner.log.number()
        return Intent(
            number=number,
            action="delete",
            path=path,
            kept=None,
            target=None,
            link=None,
            aside=os.path.join(os.path.dirname(path), self.runner.log.aside(number)),
            made=(),
            sha256=deletion.sha256.hex(),
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            mode=status.st_mode & PERMISSIONS,
            uid=status.st_uid,
            gid=status.st_gid,
            permanently=False,
        )


def _check(path: str, deletion: Deletion) -> os.stat_result:
    """Return the status of a file that still holds what it held when it was seen."""
    try:
        with opened(path) as file:
            status = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise StepRefusedError(f"it cannot be read: {reason_of(error)}") from None
    if digest != deletion.sha256:
        raise StepRefusedError("it was changed since it was seen")
    return status
