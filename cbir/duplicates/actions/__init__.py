"""Act on duplicates: move, link or delete the copies, safely, and take it back.

:func:`plan` decides what is to be done and refuses what may not be done, :func:`act` does it and
keeps a log, :func:`read_log` tells what a log says, and :func:`undo` takes moves and links back.

Examples
--------
>>> import hashlib, os, tempfile
>>> folder = tempfile.TemporaryDirectory()
>>> root, log = os.path.join(folder.name, "photos"), os.path.join(folder.name, "log")
>>> os.mkdir(root)
>>> for name in ("a.jpg", "b.jpg"):
...     with open(os.path.join(root, name), "wb") as file:
...         _ = file.write(b"the same bytes")
>>> sha256 = hashlib.sha256(b"the same bytes").digest()
>>> steps = plan([Removal("a.jpg", "b.jpg", sha256, sha256, "exact")], "hardlink", root)
>>> steps.lines()
['hardlink  b.jpg   (link to a.jpg, exact)']
>>> act(steps, log).bytes_freed
14
>>> [step.state for step in read_log(log)]
['done']
>>> len(undo(log).undone)
1
>>> folder.cleanup()
"""

from __future__ import annotations

from cbir.changes.left_file import LeftFile
from cbir.changes.log import read_log
from cbir.changes.logged_steps import LoggedStep
from cbir.changes.undoing import UndoReport, undo
from cbir.duplicates.actions.acting import ActionReport, act
from cbir.duplicates.actions.plan_model import Action, Plan, Removal, Step
from cbir.duplicates.actions.planning import plan

__all__ = [
    "Action",
    "ActionReport",
    "LeftFile",
    "LoggedStep",
    "Plan",
    "Removal",
    "Step",
    "UndoReport",
    "act",
    "plan",
    "read_log",
    "undo",
]
