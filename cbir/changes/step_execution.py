"""Take a step: move a file, put a link in its place, delete it, or add one.

Each of them first takes the file from its place, then looks whether it may really go, and else
puts it back. So even two programs that would each remove what the other one keeps cannot both do
it: the second of them finds the kept image gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from cbir.changes import trash
from cbir.changes.files import move_new, set_aside
from cbir.changes.logged_steps import Intent
from cbir.changes.places import is_real
from cbir.changes.recovery import is_our_link, remove_link
from cbir.changes.refusals import StepRefusedError
from cbir.core.atomic_files import sync_folder
from cbir.core.errors import printable
from cbir.core.renaming import rename_new


def execute(intent: Intent, confirm: Callable[[], None]) -> None:
    """Take a file from its place, as an intent says.

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
        trash.send(intent.path, intent.digest, confirm)
    else:
        with set_aside(intent.path, intent.path_aside, intent.digest):
            if intent.action == "delete":
                confirm()
            else:
                _link(intent, confirm)


def add(intent: Intent, data: bytes) -> None:
    """Put a new file in its place, in one step, when all of it is on the disk.

    Raises
    ------
    StepRefusedError
        When something is there by now, or the place would be outside of the dataset.
    OSError
        When the file cannot be written.
    """
    for folder in intent.made_folders:
        if not is_real(folder):
            raise StepRefusedError("its folder is behind a symbolic link by now")
        os.makedirs(folder, exist_ok=True)
    if not is_real(intent.path):
        raise StepRefusedError("its folder is behind a symbolic link by now")
    # Where this fails, the temporary file stays for the recovery, which tells by it how far it got.
    with open(intent.new_aside, "xb") as writer:
        writer.write(data)
        writer.flush()
        os.fsync(writer.fileno())
        status = os.fstat(writer.fileno())
    try:
        rename_new(intent.new_aside, intent.path)
    except FileExistsError:
        raise StepRefusedError("something else is there by now") from None
    if not is_real(intent.path):
        if os.path.samestat(os.lstat(intent.path), status):
            os.unlink(intent.path)
        raise StepRefusedError("its folder is behind a symbolic link by now")
    for folder in (*intent.made_folders, intent.path):
        sync_folder(os.path.dirname(folder))


def _move(intent: Intent, confirm: Callable[[], None]) -> None:
    assert intent.target is not None
    os.makedirs(os.path.dirname(intent.target), exist_ok=True)
    if not is_real(intent.target):
        raise StepRefusedError(f"{printable(intent.target)} would be behind a symbolic link")
    name = os.path.basename(intent.aside)
    move_new(intent.path, intent.target, name, intent.digest, confirm)


def _link(intent: Intent, confirm: Callable[[], None]) -> None:
    """Put a link in the place of a file that is set aside."""
    assert intent.kept is not None
    try:
        if intent.link is not None:
            os.symlink(intent.link, intent.path)
            leads = os.path.realpath(intent.path) == intent.kept
        else:
            os.link(intent.kept, intent.path, follow_symlinks=False)
            leads = is_our_link(intent, intent.path)
        if not leads:
            raise StepRefusedError("the link would not lead to the kept image any more")
        confirm()
    except BaseException:
        remove_link(intent)
        raise
