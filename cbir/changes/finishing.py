"""Clear up after a run that was killed, without doing anything more."""

from __future__ import annotations

import os

from cbir.changes.log import ActionLog, check_within, folders_of, read_log
from cbir.changes.logged_steps import LoggedStep
from cbir.core.folder_locks import locked_folders


def finish(log_path: str, wait: bool = False, root: str | None = None) -> list[LoggedStep]:
    """Clear up the steps of a log in which a run was killed; return all its steps.

    Each of them is done afterwards, or not at all: what was set aside gets back its name, and
    temporary files go.

    Parameters
    ----------
    log_path : str
    wait : bool
        Wait for another run that acts on the same files, instead of failing.

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
    steps = read_log(path)
    check_within(path, steps, root)
    unfinished = [step for step in steps if step.open]
    if not unfinished:
        return steps
    with (
        locked_folders(folders_of(unfinished), wait=wait),
        ActionLog.opened(path, {"action": "undo"}, new=False) as log,
    ):
        check_within(path, log.steps, root)
        log.recover_open_steps()
    return read_log(path)
