"""Change the files of a dataset: planned, logged, and undone.

:func:`plan_changes` decides which images may be added and deleted, :func:`change` does it and keeps
a log, :func:`read_log` tells what a log says, and :func:`undo` takes it back; also what
:mod:`cbir.duplicates.actions` did. :func:`finish` clears up
after a run that was killed. :func:`new_log` and :func:`list_logs` are for a folder of logs.

Examples
--------
>>> import os, tempfile
>>> folder = tempfile.TemporaryDirectory()
>>> plan = plan_changes(folder.name, [Addition("cats/a.jpg", b"an image")])
>>> plan.lines()
['add  cats/a.jpg   (8 bytes)']
>>> report = change(plan, new_log(folder.name))
>>> [step.state for step in read_log(report.log)]
['done']
>>> [(summary.done, summary.to_undo) for summary in list_logs(folder.name)]
[({'add': 1}, 1)]
>>> folder.cleanup()
"""

from __future__ import annotations

from cbir.changes.change_plan import Addition, ChangePlan, ChangeStep, Deletion
from cbir.changes.change_planning import plan_changes
from cbir.changes.changing import ChangeReport, change
from cbir.changes.finishing import finish
from cbir.changes.left_file import LeftFile
from cbir.changes.log import ForeignLogError, read_log
from cbir.changes.log_folder import LogFolder, LogSummary, list_logs, new_log
from cbir.changes.logged_steps import LoggedStep
from cbir.changes.undoing import UndoReport, undo

__all__ = [
    "Addition",
    "ChangePlan",
    "ChangeReport",
    "ChangeStep",
    "Deletion",
    "ForeignLogError",
    "LeftFile",
    "LogFolder",
    "LogSummary",
    "LoggedStep",
    "UndoReport",
    "change",
    "finish",
    "list_logs",
    "new_log",
    "plan_changes",
    "read_log",
    "undo",
]
