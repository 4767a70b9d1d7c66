"""Take back what a log tells."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import dataclass, field

from cbir.actions.clearing import remove_folders, resolve, tidy, undo_aside
from cbir.actions.files import holds, move_new, opened, own
from cbir.actions.log import ActionLog, Intent, LoggedStep, settle
from cbir.actions.planning import Told
from cbir.errors import printable, reason_of
from cbir.stores.files import sync_folder
from cbir.watching import Watcher


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What was taken back.

    Attributes
    ----------
    undone : tuple of str
        The copies that are back where they were.
    left : tuple of Told
        Those that are not, with the reason: deleted ones, and what was changed since.
    already : int
        Steps that had been taken back before.
    interrupted : bool
        There was a KeyboardInterrupt; undo again to go on.
    """

    undone: tuple[str, ...]
    left: tuple[Told, ...]
    already: int
    interrupted: bool = False


def undo(log_path: str, watcher: Watcher | None = None) -> UndoReport:
    """Take back the moves and links of a log, the last one first.

    Moved pictures go back to where they were, unless something else is there by now. Links become
    files of their own again, with the bytes of their keepers, which are those of the copies, and
    with the time and permissions of the copies. What was deleted is only told. The log is
    continued, so that a second time nothing is done.

    Parameters
    ----------
    log_path : str
    watcher : Watcher, optional
        Told of progress, and of each copy that is not taken back.

    Raises
    ------
    CbirError
        When the log cannot be read or written.
    """
    path = os.path.abspath(log_path)
    with ActionLog.opened(path, {"action": "undo"}, new=False) as log:
        return _Undo(log, tidy(log), watcher or Watcher()).report()


@dataclass
class _Undo:
    log: ActionLog
    steps: list[LoggedStep]
    watcher: Watcher
    _undone: list[str] = field(default_factory=list)
    _left: list[Told] = field(default_factory=list)
    _begun: Intent | None = None
    """The step that is being taken back."""

    def report(self) -> UndoReport:
        interrupted = False
        taken = [step for step in self.steps if step.state in ("done", "both", "unclear")]
        self.watcher.begin("undo", len(taken))
        try:
            for step in reversed(taken):
                if step.intent is not None:
                    self._take_back(step.intent)
                self.watcher.advance()
        except KeyboardInterrupt:
            interrupted = True
            if self._begun is not None:
                self._give_up(self._begun, "interrupted")
        self.watcher.end()
        already = sum(step.state == "undone" for step in self.steps)
        return UndoReport(tuple(self._undone), tuple(self._left), already, interrupted)

    def _take_back(self, intent: Intent) -> None:
        obstacle = _obstacle(intent)
        if obstacle:
            self._leave(intent, obstacle)
            return
        self.log.begin_undo(intent.number)
        self._begun = intent
        try:
            if intent.action == "move":
                _move_back(intent)
            elif intent.action != "delete":
                _make_independent(intent)
        except OSError as error:
            self._give_up(intent, f"it cannot be taken back: {reason_of(error)}")
        else:
            self._finish(intent)
        self._begun = None

    def _finish(self, intent: Intent) -> None:
        self.log.end(intent.number, "undone")
        self._undone.append(intent.copy)

    def _give_up(self, intent: Intent, reason: str) -> None:
        if resolve(intent) == "not done":
            self._finish(intent)
            return
        self.log.end(intent.number, "left", reason)
        self._leave(intent, reason)

    def _leave(self, intent: Intent, reason: str) -> None:
        told = Told(intent.copy, reason)
        self._left.append(told)
        self.watcher.warn(str(told))


def _obstacle(intent: Intent) -> str:
    """Say why a step is not to be taken back; nothing when it is, or is already."""
    state = settle(intent)
    if state == "not done":
        return ""
    if intent.action == "delete":
        if intent.permanently:
            return "it was deleted for good"
        return "it is in the desktop's trash; restore it from there"
    if intent.action == "move":
        assert intent.target is not None
        if os.path.lexists(intent.copy):
            return f"something else is there by now; it is still at {printable(intent.target)}"
        if state == "unclear":
            return f"{printable(intent.target)} is not the picture that was moved there, any more"
    if state == "unclear":
        return "it is not the link that was made, any more"
    return ""


def _move_back(intent: Intent) -> None:
    assert intent.target is not None
    if not holds(intent.copy, intent.digest):
        os.makedirs(os.path.dirname(intent.copy), exist_ok=True)
        move_new(intent.target, intent.copy, undo_aside(intent), intent.digest)
        sync_folder(os.path.dirname(intent.copy))
    remove_folders(intent)


def _make_independent(intent: Intent) -> None:
    """Put a file with the keeper's bytes, and the copy's own status, in the place of a link."""
    status = os.lstat(intent.copy)
    if not os.path.islink(intent.copy) and status.st_nlink == 1:
        return  # it is independent already
    with opened(os.path.realpath(intent.copy)) as reader, open(intent.aside, "xb") as writer:
        shutil.copyfileobj(reader, writer)
        writer.flush()
        own(intent.aside, intent.uid, intent.gid)
        os.chmod(intent.aside, intent.mode)
        os.utime(intent.aside, ns=(intent.mtime_ns, intent.mtime_ns))
        os.fsync(writer.fileno())
    if not holds(intent.aside, intent.digest):
        raise OSError(errno.ESTALE, "its keeper was changed, and has other bytes by now")
    os.replace(intent.aside, intent.copy)
    sync_folder(os.path.dirname(intent.copy))
