"""Clear up after steps that were broken off: by an error, an interrupt or a kill."""

from __future__ import annotations

import contextlib
import dataclasses
import os

from cbir.actions.files import remove_aside
from cbir.actions.log import ActionLog, Intent, LoggedStep, State, settle
from cbir.stores.files import sync_folder


def tidy(log: ActionLog) -> list[LoggedStep]:
    """Clear up the steps in which a run was killed; return all the log's steps as they now are."""
    steps = []
    for step in log.steps:
        if step.open and step.intent is not None:
            state = resolve(step.intent)
            if state == "not done" and step.undoing:
                state = "undone"
            log.end(step.number, state)
            step = dataclasses.replace(step, state=state, open=False)
        steps.append(step)
    return steps


def resolve(intent: Intent) -> State:
    """Bring a step that was broken off to one of its ends; return which, as the disk tells it.

    The temporary file goes. A picture that is whole at both places of a move stays at the old one.
    """
    remove_aside(intent.aside)
    remove_aside(undo_aside(intent))
    state = settle(intent)
    if state == "both" and intent.target is not None:
        with contextlib.suppress(OSError):
            os.unlink(intent.target)
            sync_folder(os.path.dirname(intent.target))
        state = settle(intent)
    if state == "not done":
        remove_folders(intent)
    return state


def undo_aside(intent: Intent) -> str:
    """Return the temporary name for taking a step back: in the copy's folder."""
    return os.path.join(os.path.dirname(intent.copy), os.path.basename(intent.aside))


def remove_folders(intent: Intent) -> None:
    """Remove the folders that the step made, if nothing is in them."""
    for folder in reversed(intent.made):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
