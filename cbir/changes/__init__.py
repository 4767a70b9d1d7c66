"""Change the files of a dataset: planned, logged, and undone."""

from __future__ import annotations

from cbir.changes.left_file import LeftFile
from cbir.changes.log import read_log
from cbir.changes.logged_steps import LoggedStep
from cbir.changes.undoing import UndoReport, undo

__all__ = ["LeftFile", "LoggedStep", "UndoReport", "read_log", "undo"]
