"""Act on duplicates: move, link or delete the copies, safely, and take it back.

:func:`plan` decides what is to be done and refuses what may not be done, :func:`act` does it and
keeps a log, :func:`read_log` tells what a log says, and :func:`undo` takes moves and links back.
"""

from __future__ import annotations

from cbir.actions.acting import ActionReport, act
from cbir.actions.log import LoggedStep, read_log
from cbir.actions.planning import Action, Level, Plan, Removal, Step, Told, plan
from cbir.actions.undoing import UndoReport, undo

__all__ = [
    "Action",
    "ActionReport",
    "Level",
    "LoggedStep",
    "Plan",
    "Removal",
    "Step",
    "Told",
    "UndoReport",
    "act",
    "plan",
    "read_log",
    "undo",
]
