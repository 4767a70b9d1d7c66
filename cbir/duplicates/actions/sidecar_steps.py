"""What is done to a sidecar when its image goes."""

from __future__ import annotations

import os
from dataclasses import replace

from cbir.changes.files import free_name, sha256_of
from cbir.changes.log import ActionLog
from cbir.changes.logged_steps import PERMISSIONS, Intent
from cbir.changes.refusals import StepRefusedError
from cbir.core.errors import printable, reason_of
from cbir.duplicates.actions.sidecars import Folder, renamed


def sidecar_intent(image: Intent, path: str, log: ActionLog) -> Intent:
    """Return what is done to a sidecar when that was done to its image.

    Raises
    ------
    StepRefusedError
        When it is gone, cannot be read, or goes with another image as well by now.
    """
    folder, name = os.path.split(path)
    old = os.path.basename(image.path)
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
        path=path,
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
