"""Take a step: move a file, put a link in its place, or delete it.

Each of them first takes the file from its place, then looks whether it may really go, and else
puts it back. So even two programs that would each remove what the other one keeps cannot both do
it: the second of them finds the kept image gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from cbir.core.errors import printable, reason_of
from cbir.duplicates.actions import trash
from cbir.duplicates.actions.checking import StepRefusedError
from cbir.duplicates.actions.files import free_name, holds, move_new, set_aside, sha256_of
from cbir.duplicates.actions.log import ActionLog
from cbir.duplicates.actions.logged_steps import PERMISSIONS, Intent
from cbir.duplicates.actions.places import is_real
from cbir.duplicates.actions.plan_model import Step
from cbir.duplicates.actions.recovery import is_our_link, remove_link
from cbir.duplicates.actions.sidecars import Folder, renamed


def execute(intent: Intent, confirm: Callable[[], None]) -> None:
    """Do what an intent says.

    Parameters
    ----------
    intent : Intent
    confirm : callable
        Called when the file has left its place; when this raises, the file goes back there.

    Raises
    ------
    StepRefusedError
        When the step must not be taken.
    OSError
        When it cannot be taken.
    """
    if intent.action == "move":
        _move(intent, confirm)
    elif intent.action == "delete" and not intent.permanently:
        trash.send(intent.copy, intent.digest, confirm)
    else:
        with set_aside(intent.copy, intent.copy_aside, intent.digest):
            if intent.action == "delete":
                confirm()
            else:
                _link(intent, confirm)


def confirm_kept(step: Step, status: os.stat_result) -> None:
    """Read the kept image once more, and make sure that it is a file of its own.

    Parameters
    ----------
    step : Step
    status : os.stat_result
        Of the copy, when it was checked.

    Raises
    ------
    StepRefusedError
        When it is not what it was.
    """
    kept = printable(step.removal.kept)
    for path in (step.kept, step.copy):
        if not is_real(path):
            raise StepRefusedError(f"{printable(path)} is behind a symbolic link by now")
    try:
        kept_status = os.lstat(step.kept)
    except OSError:
        raise StepRefusedError(f"the kept image {kept} was removed just now") from None
    if os.path.samestat(kept_status, status):
        raise StepRefusedError(f"it is one file with {kept} by now")
    if not holds(step.kept, step.removal.kept_sha256):
        raise StepRefusedError(f"the kept image {kept} was changed just now")


def sidecar_intent(image: Intent, path: str, log: ActionLog) -> Intent:
    """Return what is done to a sidecar when that was done to its image.

    Raises
    ------
    StepRefusedError
        When it is gone, cannot be read, or goes with another image as well by now.
    """
    folder, name = os.path.split(path)
    old = os.path.basename(image.copy)
    others = Folder(folder).sidecars(old).get(name)
    if others is None or others:
        raise StepRefusedError(f"it does not go with {printable(old)} alone any more")
    try:
        status, sha256 = os.lstat(path), sha256_of(path)
    except OSError as error:
        raise StepRefusedError(f"it cannot be read: {reason_of(error)}") from None
    target = None
    if image.target is not None:
        place, new = os.path.split(image.target)
        target = free_name(os.path.join(place, renamed(name, old, new)))
    number = log.number()
    return replace(
        image,
        number=number,
        copy=path,
        target=target,
        aside=os.path.join(os.path.dirname(target or path), log.aside(number)),
        made=(),
        sha256=sha256.hex(),
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        mode=status.st_mode & PERMISSIONS,
        uid=status.st_uid,
        gid=status.st_gid,
        companion=True,
    )


def _move(intent: Intent, confirm: Callable[[], None]) -> None:
    assert intent.target is not None
    os.makedirs(os.path.dirname(intent.target), exist_ok=True)
    if not is_real(intent.target):
        raise StepRefusedError(f"{printable(intent.target)} would be behind a symbolic link")
    name = os.path.basename(intent.aside)
    move_new(intent.copy, intent.target, name, intent.digest, confirm)


def _link(intent: Intent, confirm: Callable[[], None]) -> None:
    """Put a link in the place of a file that is set aside."""
    try:
        if intent.link is not None:
            os.symlink(intent.link, intent.copy)
            leads = os.path.realpath(intent.copy) == intent.kept
        else:
            os.link(intent.kept, intent.copy, follow_symlinks=False)
            leads = is_our_link(intent, intent.copy)
        if not leads:
            raise StepRefusedError("the link would not lead to the kept image any more")
        confirm()
    except BaseException:
        remove_link(intent)
        raise
