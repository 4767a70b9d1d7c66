"""Take back what a log tells."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, field

from cbir.changes import trash
from cbir.changes.attributes import restore
from cbir.changes.files import (
    holds,
    move_new,
    opened,
    remove_temporary,
    set_owner,
    written_new,
)
from cbir.changes.left_file import LeftFile
from cbir.changes.log import ActionLog, check_within, folders_of, inside, read_log
from cbir.changes.logged_steps import Intent, LoggedStep
from cbir.changes.places import below, hidden_folder, is_real
from cbir.changes.recovery import is_our_link, recover, remove_folders, state_on_disk
from cbir.changes.step_runner import never
from cbir.core.atomic_files import sync_folder
from cbir.core.errors import printable, reason_of
from cbir.core.folder_locks import locked_folders
from cbir.core.messages import Message, Parameter
from cbir.core.progress import ProgressListener
from cbir.core.renaming import rename_new

TO_UNDO = ("done", "both", "aside", "unclear")
"""States of steps of which something may have to be taken back."""


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What was taken back.

    Attributes
    ----------
    undone : tuple of str
        The files that are back where they were, or were added and are in the trash.
    left : tuple of LeftFile
        Those that are not, with the reason: deleted ones, and what was changed since.
    already : int
        Steps that had been taken back before.
    interrupted : bool
        It was stopped, or there was a KeyboardInterrupt; undo again to go on.
    """

    undone: tuple[str, ...]
    left: tuple[LeftFile, ...]
    already: int
    interrupted: bool = False


def undo(
    log_path: str,
    listener: ProgressListener | None = None,
    follow_links: bool = False,
    wait: bool = False,
    stopped: Callable[[], bool] = never,
    root: str | None = None,
) -> UndoReport:
    """Take back the steps of a log, the last one first.

    Moved images go back to where they were, unless something else is there by now. Links become
    files of their own again, with the bytes of the kept images, which are those of the copies, and
    with the time, permissions and extended attributes of the copies. What is in the desktop's
    trash comes back where the trash can be read; what was deleted for good is only told. What was
    added goes to the trash, and folders made for it go if they are empty. The log is continued, so
    that a second time nothing is done.

    A log may be forged: only files with the contents that it tells, inside of its dataset and its
    destination, are touched, and nothing else than links and temporary files is replaced.

    Parameters
    ----------
    log_path : str
    listener : ProgressListener, optional
        Told of progress, and of each copy that is not taken back.
    follow_links : bool
        Also take back what is outside of the dataset, behind folders that are links.
    wait : bool
        Wait for another run that acts on the same files, instead of failing.
    stopped : callable
        Asked before each step whether to stop; a thread may let it be answered by another one.
    root : str, optional
        The only dataset of which the log may tell.

    Raises
    ------
    ForeignLogError
        When it tells of another dataset.
    CbirError
        When the log cannot be read or written, belongs to another user, or when another run acts
        on the same files.
    """
    path = os.path.abspath(log_path)
    steps = [step for step in read_log(path) if step.state != "undone"]
    check_within(path, steps, root)
    with (
        locked_folders(folders_of(steps), wait=wait),
        ActionLog.opened(path, {"action": "undo"}, new=False) as log,
    ):
        check_within(path, log.steps, root)
        log.recover_open_steps(follow_links)
        return _Undo(log, follow_links, listener or ProgressListener(), stopped).report()


@dataclass
class _Undo:
    log: ActionLog
    follow_links: bool
    listener: ProgressListener
    stopped: Callable[[], bool]
    _undone: list[str] = field(default_factory=list)
    _left: list[LeftFile] = field(default_factory=list)
    _current: Intent | None = None
    """The step that is being taken back."""

    def report(self) -> UndoReport:
        interrupted = False
        taken = [step for step in self.log.steps if step.state in TO_UNDO]
        self.listener.begin("undo", len(taken))
        try:
            for step in reversed(taken):
                if self.stopped():
                    interrupted = True
                    break
                if step.intent is not None:
                    self._take_back(step, step.intent)
                self.listener.advance()
        except KeyboardInterrupt:
            interrupted = True
            if self._current is not None:
                self._give_up(self._current, "interrupted")
        self.listener.end()
        already = sum(step.state == "undone" for step in self.log.steps)
        return UndoReport(tuple(self._undone), tuple(self._left), already, interrupted)

    def _take_back(self, step: LoggedStep, intent: Intent) -> None:
        obstacle = self._outside(step, intent) or _obstacle(intent)
        if obstacle:
            self._leave(intent, obstacle)
            return
        self.log.begin_undo(intent.number)
        self._current = intent
        try:
            if intent.action == "move":
                _move_back(intent)
            elif intent.action == "delete":
                _fetch(intent)
            elif intent.action == "add":
                _withdraw(intent)
            else:
                self._warn_of_lost(intent, _make_independent(intent))
        except OSError as error:
            self._give_up(intent, f"it cannot be taken back: {reason_of(error)}")
        else:
            self._finish(intent)
        self._current = None

    def _outside(self, step: LoggedStep, intent: Intent) -> str:
        """Say why a step is none inside of the dataset and the destination; nothing when it is."""
        hidden = hidden_folder(intent.path)
        # Programs are started and keys are read from there, and a log may come with an archive.
        if hidden is not None and below(self.log.path, hidden) is None:
            return (
                "it would go into a hidden folder; if that is as it should be, move the log into"
                f" {printable(hidden)} and undo it from there"
            )
        if self.follow_links:
            return ""
        target = intent.target or intent.path
        if inside(step) and is_real(target):
            return ""
        return Message(
            "it is outside of the dataset, or behind a linked folder; if that is as it should be,"
            " say so with ",
            Parameter("follow_links", True),
        )

    def _warn_of_lost(self, intent: Intent, attributes: list[str]) -> None:
        if attributes:
            names = ", ".join(map(printable, attributes))
            self.listener.warn(
                f"{printable(intent.path)}: its extended attributes {names} are lost"
            )

    def _finish(self, intent: Intent) -> None:
        self.log.end(intent.number, "undone")
        self._undone.append(intent.path)

    def _give_up(self, intent: Intent, reason: str) -> None:
        if recover(intent) == "not done":
            self._finish(intent)
            return
        self.log.end(intent.number, "left", reason)
        self._leave(intent, reason)

    def _leave(self, intent: Intent, reason: str) -> None:
        left_file = LeftFile(intent.path, reason)
        self._left.append(left_file)
        self.listener.warn(left_file.message)


def _obstacle(intent: Intent) -> str:
    """Say why a step is not to be taken back; nothing when it is, or is already."""
    state = state_on_disk(intent)
    if state == "not done":
        return ""
    if state == "aside":
        return f"something else is there by now; it is still at {printable(intent.path_aside)}"
    if intent.action == "delete":
        return _obstacle_to_fetching(intent)
    if intent.action == "add":
        return "it is not the file that was added, any more" if state == "unclear" else ""
    if intent.action == "move":
        assert intent.target is not None
        if os.path.lexists(intent.path):
            return f"something else is there by now; it is still at {printable(intent.target)}"
        if state == "unclear":
            return f"{printable(intent.target)} is not the image that was moved there, any more"
    if state == "unclear":
        return "it is not the link that was made, any more"
    return ""


def _obstacle_to_fetching(intent: Intent) -> str:
    if intent.permanently:
        return "it was deleted for good"
    if os.path.lexists(intent.path):
        return "something else is there by now; it may be in the desktop's trash"
    if trash.find(intent.path, intent.digest, intent.mtime_ns) is None:
        return (
            "it cannot be found in the desktop's trash from here; if it is there still, restore it"
            " with the desktop's own program"
        )
    return ""


def _move_back(intent: Intent) -> None:
    assert intent.target is not None
    if not holds(intent.path, intent.digest):
        os.makedirs(os.path.dirname(intent.path), exist_ok=True)
        name = os.path.basename(intent.aside)
        move_new(intent.target, intent.path, name, intent.digest, _nothing)
        sync_folder(os.path.dirname(intent.path))
    remove_folders(intent)


def _nothing() -> None:
    """A file that goes back, or was added, needs no kept image."""


def _fetch(intent: Intent) -> None:
    if holds(intent.path, intent.digest):
        return
    trashed = trash.find(intent.path, intent.digest, intent.mtime_ns)
    if trashed is None:
        raise OSError(errno.ENOENT, "it is not in the desktop's trash any more", intent.path)
    trash.restore(trashed, intent.path, intent.path_aside, intent.digest)


def _withdraw(intent: Intent) -> None:
    """Put what was added in the trash: by now it may be nowhere else."""
    if os.path.lexists(intent.path):
        if not holds(intent.path, intent.digest):
            raise OSError(errno.ESTALE, "it was changed just now", intent.path)
        trash.send(intent.path, intent.digest, _nothing)
        sync_folder(os.path.dirname(intent.path))
    remove_folders(intent)


def _make_independent(intent: Intent) -> list[str]:
    """Put a file with the kept image's bytes, and the copy's own status, in the place of a link.

    Returns the names of extended attributes that cannot be restored.
    """
    status = os.lstat(intent.path)
    if not stat.S_ISLNK(status.st_mode) and (status.st_nlink == 1 or intent.action == "symlink"):
        return []  # a file of its own is there already
    with opened(os.path.realpath(intent.path)) as reader, written_new(intent.aside) as writer:
        shutil.copyfileobj(reader, writer)
        writer.flush()
        set_owner(intent.aside, intent.uid, intent.gid)
        lost = restore(intent.aside, intent.attributes)
        os.chmod(intent.aside, intent.mode)
        os.utime(intent.aside, ns=(intent.mtime_ns, intent.mtime_ns))
        os.fsync(writer.fileno())
        if not holds(intent.aside, intent.digest):
            raise OSError(errno.ESTALE, "the kept image was changed, and has other bytes by now")
    _replace_link(intent, status)
    sync_folder(os.path.dirname(intent.path))
    return lost


def _replace_link(intent: Intent, status: os.stat_result) -> None:
    """Put the file that was made aside in the place of the link, and of nothing else."""
    try:
        rename_new(intent.path, intent.link_aside)
        try:
            if not _is_link(intent, status):
                raise OSError(errno.ESTALE, "it was changed just now")
            rename_new(intent.aside, intent.path)
        except BaseException:
            rename_new(intent.link_aside, intent.path)
            raise
    except BaseException:
        remove_temporary(intent.aside)
        raise
    os.unlink(intent.link_aside)


def _is_link(intent: Intent, status: os.stat_result) -> bool:
    """Say whether what is set aside is the link that was looked at."""
    if intent.action == "symlink":
        return is_our_link(intent, intent.link_aside)
    return os.path.samestat(os.lstat(intent.link_aside), status)
