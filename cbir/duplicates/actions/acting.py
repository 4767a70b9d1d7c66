"""Carry out a plan: each step is checked, logged, taken, and logged again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from cbir.changes.attributes import Attributes, attributes_of, obstacle_to_logging
from cbir.changes.files import free_name, missing_folders
from cbir.changes.left_file import LeftFile
from cbir.changes.log import ActionLog, folders_of, read_log
from cbir.changes.logged_steps import PERMISSIONS, Intent
from cbir.changes.places import below, is_real
from cbir.changes.refusals import StepRefusedError
from cbir.changes.step_execution import execute
from cbir.changes.step_runner import CurrentStep, StepRunner, never
from cbir.core.atomic_files import sync_folder
from cbir.core.errors import reason_of
from cbir.core.folder_locks import locked_folders
from cbir.core.progress import ProgressListener
from cbir.duplicates.actions.checking import check, confirm_kept
from cbir.duplicates.actions.plan_model import Plan, Step
from cbir.duplicates.actions.sidecar_steps import sidecar_intent


@dataclass(frozen=True, slots=True)
class ActionReport:
    """What came of a plan.

    Attributes
    ----------
    done : tuple of Step
    skipped : tuple of LeftFile
        Copies that were left alone, because they or the kept images were not what they had been.
    failed : tuple of LeftFile
        Copies that the system did not let be moved, linked or deleted; they are where they were.
    bytes_freed : int
        Of the copies that are done; those that have further hard links count for nothing, and so
        do those that were moved, or are in the desktop's trash.
    log : str
        The log's path, for :func:`cbir.duplicates.actions.undo`.
    interrupted : bool
        It was stopped, or there was a KeyboardInterrupt; steps that are in no list were not begun.
    sidecars : tuple of str
        Absolute paths of the sidecars that went with their copies.
    """

    done: tuple[Step, ...]
    skipped: tuple[LeftFile, ...]
    failed: tuple[LeftFile, ...]
    bytes_freed: int
    log: str
    interrupted: bool = False
    sidecars: tuple[str, ...] = ()


def act(
    plan: Plan,
    log_path: str,
    listener: ProgressListener | None = None,
    wait: bool = False,
    stopped: Callable[[], bool] = never,
) -> ActionReport:
    """Carry out a plan.

    Just before each step the kept image and the copy are read again: unless they are what they were
    when they were compared, and, at level ``exact``, have the same bytes or the same pixels, the
    copy stays. When the copy has left its place, the kept image is read once more, and the copy
    comes back if the kept image was lost. One run acts at a time on a dataset, those around it and
    those in it.

    Parameters
    ----------
    plan : Plan
    log_path : str
        Each step is told there, durably, before it is taken. A log that is there is continued;
        what a killed run left unfinished in it is cleared up first.
    listener : ProgressListener, optional
        Told of progress, and of each copy that is skipped or fails.
    wait : bool
        Wait for another run that acts on the same files, instead of failing.
    stopped : callable
        Asked before each step whether to stop; a thread may let it be answered by another one.

    Raises
    ------
    CbirError
        When the log cannot be written: nothing is done without it. When another run acts on the
        same files.
    """
    root = os.path.realpath(plan.root)
    header = {"action": plan.action, "root": root}
    if plan.destination is not None:
        header["destination"] = plan.destination
    path = os.path.abspath(log_path)
    removing, keeping = _folders(plan, root)
    if os.path.exists(path):
        removing |= folders_of(step for step in read_log(path) if step.open)
    with locked_folders(removing, keeping, wait), ActionLog.opened(path, header, new=True) as log:
        log.recover_open_steps(plan.follow_links)
        runner = StepRunner(log, listener or ProgressListener(), stopped)
        return _Run(plan, root, runner).report()


def _folders(plan: Plan, root: str) -> tuple[set[str], set[str]]:
    """Return the folders that a plan removes from, and those outside where it relies on files."""
    copies = {os.path.dirname(step.copy) for step in plan.steps}
    kept_folders = {os.path.dirname(step.kept) for step in plan.steps}
    removing, keeping = (
        {folder for folder in folders if below(folder, root) is None}
        for folders in (copies, kept_folders)
    )
    return removing | {root}, keeping


@dataclass
class _Run:
    plan: Plan
    root: str
    runner: StepRunner
    _done: list[Step] = field(default_factory=list)
    _sidecars: list[str] = field(default_factory=list)
    _freed: int = 0

    def report(self) -> ActionReport:
        steps, runner = self.plan.steps, self.runner
        interrupted = runner.run(self.plan.action, steps, len(steps), self._take)
        self._sync_folders()
        return ActionReport(
            tuple(self._done),
            tuple(runner.skipped),
            tuple(runner.failed),
            self._freed,
            runner.log.path,
            interrupted,
            tuple(self._sidecars),
        )

    def _take(self, step: Step) -> None:
        name = step.removal.copy
        try:
            status = check(step)
            intent = self._intent(step, status)
        except StepRefusedError as reason:
            self.runner.skip(name, step.copy, str(reason))
            return

        def finish() -> None:
            self._done.append(step)
            frees = self.plan.makes_links or self.plan.permanently
            self._freed += intent.size if frees and status.st_nlink == 1 else 0

        def perform() -> None:
            execute(intent, lambda: confirm_kept(step, status))

        if self.runner.attempt(CurrentStep(name, intent, finish), perform):
            for sidecar in step.sidecars:
                self._take_sidecar(intent, sidecar, os.path.dirname(name))

    def _take_sidecar(self, intent: Intent, path: str, folder: str) -> None:
        """Let a sidecar go where its image went, unless another image has it by now."""
        name = os.path.join(folder, os.path.basename(path))
        try:
            companion = sidecar_intent(intent, path, self.runner.log)
        except StepRefusedError as reason:
            self.runner.skip(name, path, str(reason))
            return
        current = CurrentStep(name, companion, lambda: self._sidecars.append(path))
        self.runner.attempt(current, lambda: execute(companion, lambda: None))

    def _intent(self, step: Step, status: os.stat_result) -> Intent:
        if not is_real(step.copy):
            raise StepRefusedError("it is behind a symbolic link by now")
        attributes = self._attributes(step.copy) if self.plan.makes_links else {}
        number = self.runner.log.number()
        target = free_name(step.target) if step.target is not None else None
        folder = os.path.dirname(target or step.copy)
        return Intent(
            number=number,
            action=self.plan.action,
            path=step.copy,
            kept=step.kept,
            target=target,
            link=self._link(step) if self.plan.action == "symlink" else None,
            aside=os.path.join(folder, self.runner.log.aside(number)),
            made=tuple(missing_folders(folder)[:1]),
            sha256=step.removal.copy_sha256.hex(),
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            mode=status.st_mode & PERMISSIONS,
            uid=status.st_uid,
            gid=status.st_gid,
            permanently=self.plan.permanently,
            attributes=attributes,
        )

    def _attributes(self, copy: str) -> Attributes:
        """Return what the copy has and a link has not, and make sure that the log can keep it."""
        try:
            attributes = attributes_of(copy)
        except OSError as error:
            raise StepRefusedError(f"its attributes cannot be read: {reason_of(error)}") from None
        obstacle = obstacle_to_logging(attributes)
        if obstacle:
            raise StepRefusedError(obstacle)
        return attributes

    def _link(self, step: Step) -> str:
        """Return a relative link inside of the dataset, which then can be moved as a whole."""
        inside = all(below(path, self.root) is not None for path in (step.kept, step.copy))
        return os.path.relpath(step.kept, os.path.dirname(step.copy)) if inside else step.kept

    def _sync_folders(self) -> None:
        """Make the new names durable; until then the log's intents and the disk tell of them."""
        for folder in sorted({os.path.dirname(step.copy) for step in self._done}):
            sync_folder(folder)
