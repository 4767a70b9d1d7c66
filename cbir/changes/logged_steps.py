"""What a log tells of a step."""

from __future__ import annotations

import base64
import os
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from cbir.changes.attributes import Attributes

PERMISSIONS = 0o777
"""Bits of a mode that an undo restores: never those that change who runs a program."""

Action = Literal["move", "hardlink", "symlink", "delete", "add"]
"""What a step does to a file."""

State = Literal["done", "not done", "both", "aside", "unclear", "skipped", "failed", "undone"]
"""What became of a step.

``both``: killed in the middle of a move, the image is whole at the old place and at the new one.
``aside``: killed in the middle, the image is whole in its folder under a temporary name.
``unclear``: the files are neither as before the step nor as after it.
"""


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What a run was asked for.

    Attributes
    ----------
    root : str
        The dataset's real path.
    destination : str or None
        Where copies are moved to.
    """

    root: str
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """What a step is about to do, with all that is needed to tell it afterwards and to undo it.

    Attributes
    ----------
    number : int
        Of the step, in this log.
    action : {"move", "hardlink", "symlink", "delete", "add"}
    path : str
        The absolute path of the file that goes, is replaced by a link, or is added.
    kept : str or None
        The absolute path of the image because of which a copy goes; None for what is no copy.
    target : str or None
        Where the file is moved to.
    link : str or None
        The text of the symbolic link.
    aside : str
        A temporary name that the step may use, in the folder of `target` or else of `path`.
    made : tuple of str
        The outermost of the folders that have to be made for `target`, or for what is added; none
        if all are there.
    sha256 : str
        Of the file, in hexadecimal digits.
    size, mtime_ns, mode, uid, gid : int
        The file's status; of one that is added, only the size.
    permanently : bool
        It is deleted for good.
    companion : bool
        It is no copy, but a sidecar of one.
    attributes : dict
        The file's extended attributes, where the step would lose them.
    """

    number: int
    action: Action
    path: str
    kept: str | None
    target: str | None
    link: str | None
    aside: str
    made: tuple[str, ...]
    sha256: str
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    permanently: bool
    companion: bool = False
    attributes: Attributes = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        """The file's SHA-256."""
        return bytes.fromhex(self.sha256)

    @property
    def path_aside(self) -> str:
        """The temporary name in the folder of `path`."""
        return os.path.join(os.path.dirname(self.path), os.path.basename(self.aside))

    @property
    def link_aside(self) -> str:
        """The temporary name of a link that gives way to a file."""
        return f"{self.path_aside}-link"

    @property
    def new_aside(self) -> str:
        """The temporary name of a file that is being added."""
        return f"{self.path_aside}-new"

    @property
    def made_folders(self) -> list[str]:
        """All folders that have to be made, the outermost first."""
        folder, folders = os.path.dirname(self.target or self.path), list[str]()
        while self.made and len(folder) >= len(min(self.made, key=len)):
            folders.insert(0, folder)
            folder = os.path.dirname(folder)
        return folders

    def line(self) -> dict[str, Any]:
        """Return what the log has of it."""
        values = asdict(self)
        values["attributes"] = {
            name: base64.b64encode(value).decode() for name, value in self.attributes.items()
        }
        return {"step": values.pop("number"), "event": "intent", **values}


@dataclass(frozen=True, slots=True)
class LoggedStep:
    """What a log, and where it leaves that open the disk, tells of a step.

    Attributes
    ----------
    number : int
    path : str
        The absolute path of the file.
    state : State
    reason : str
        Why it was skipped, or failed.
    intent : Intent or None
        None for a step that was skipped before it began.
    open : bool
        The program was killed in this step: `state` was read off the disk.
    undoing : bool
        What was told last is that it is being taken back.
    header : RunHeader or None
        The run that it belongs to; None for a step that was skipped before it began.
    """

    number: int
    path: str
    state: State
    reason: str = ""
    intent: Intent | None = None
    open: bool = False
    undoing: bool = False
    header: RunHeader | None = None
