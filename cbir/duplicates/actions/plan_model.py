"""A plan of what is to be done with copies, in the order of its steps."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from cbir.changes.left_file import LeftFile
from cbir.core.errors import printable
from cbir.core.messages import Message
from cbir.duplicates.loss import Loss
from cbir.duplicates.model import CopyLevel

Action = Literal["move", "hardlink", "symlink", "delete"]


@dataclass(frozen=True, slots=True)
class Removal:
    """A copy that is to go, because of a kept image that stays.

    Attributes
    ----------
    kept, copy : str
        Paths, absolute or relative to the dataset's root.
    kept_sha256, copy_sha256 : bytes
        Of the files, 32 bytes each, as they were compared.
    level : CopyLevel
        ``exact``: the same bytes, or the same pixels.
    losses : tuple of Loss
        What the copy shows, and the kept image does not, as they were compared: see
        :attr:`cbir.duplicates.model.Duplicate.losses`.
    """

    kept: str
    copy: str
    kept_sha256: bytes
    copy_sha256: bytes
    level: CopyLevel
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One copy, and what happens to it.

    Attributes
    ----------
    removal : Removal
        What was asked for.
    kept, copy : str
        Absolute paths, free of symbolic links.
    target : str or None
        Where it is moved to. If that name is taken when it comes to it, a number is added.
    size : int
        Bytes of the copy.
    sidecars : tuple of str
        Absolute paths of files that go with it.
    """

    removal: Removal
    kept: str
    copy: str
    target: str | None
    size: int
    sidecars: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in order.

    Attributes
    ----------
    action : {"move", "hardlink", "symlink", "delete"}
    root : str
        The dataset, as given.
    steps : tuple of Step
        Sorted by the bytes of the copies' paths.
    refused : tuple of LeftFile
        The copies that stay, with the reason.
    destination : str or None
        Where copies are moved to; absolute.
    permanently : bool
        Delete for good instead of moving to the desktop's trash.
    follow_links : bool
        Copies may be outside of the dataset, behind linked folders.
    staying : tuple of LeftFile
        Sidecars and raw images of copies that go, which stay where they are.
    """

    action: Action
    root: str
    steps: tuple[Step, ...]
    refused: tuple[LeftFile, ...]
    destination: str | None = None
    permanently: bool = False
    follow_links: bool = False
    staying: tuple[LeftFile, ...] = ()

    @property
    def makes_links(self) -> bool:
        """Copies become links."""
        return self.action in ("hardlink", "symlink")

    @property
    def size(self) -> int:
        """Bytes of all the copies that are to go."""
        return sum(step.size for step in self.steps)

    def lines(self) -> list[str]:
        """Describe steps, sidecars and refusals, each in a line that is safe for a terminal."""
        lines = list[str]()
        for step in self.steps:
            lines.append(self._copy_line(step))
            lines += [self._sidecar_line(step, sidecar) for sidecar in step.sidecars]
        for verb, left_files in (("stays", self.staying), ("skip", self.refused)):
            lines += [
                Message(f"{verb}  {printable(one.path)}   (", one.reason, ")") for one in left_files
            ]
        return lines

    def _sidecar_line(self, step: Step, sidecar: str) -> str:
        copy, name = step.removal.copy, os.path.basename(sidecar)
        target = step.target and os.path.join(os.path.dirname(step.target), name)
        path = os.path.join(os.path.dirname(copy), name)
        return _line(self.action, path, target, f"goes with {printable(copy)}")

    def _copy_line(self, step: Step) -> str:
        removal = step.removal
        verb = "delete for good" if self.permanently else self.action
        relation = f"{'link to' if self.makes_links else 'copy of'} {printable(removal.kept)}"
        lost = "; ".join(map(str, removal.losses))
        lost = f"; to be lost: {printable(lost)}" if lost else ""
        return _line(verb, removal.copy, step.target, f"{relation}, {removal.level}{lost}")


def _line(verb: str, path: str, target: str | None, relation: str) -> str:
    place = f" -> {printable(target)}" if target is not None else ""
    return f"{verb}  {printable(path)}{place}   ({relation})"
