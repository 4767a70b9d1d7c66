"""A plan of images that are added to a dataset and deleted from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from cbir.changes.left_file import LeftFile
from cbir.core.amounts import size_text
from cbir.core.errors import printable
from cbir.core.messages import Message


@dataclass(frozen=True, slots=True)
class Addition:
    """A new file of a dataset.

    Attributes
    ----------
    path : str
        Relative to the dataset's root, with ``/``.
    data : bytes
        All that is in the file.
    """

    path: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A file of a dataset that is to go to the desktop's trash.

    Attributes
    ----------
    path : str
        Relative to the dataset's root, with ``/``.
    sha256 : bytes
        Of the file as it was seen, for example by an index; 32 bytes.
    """

    path: str
    sha256: bytes


Change = Addition | Deletion


@dataclass(frozen=True, slots=True)
class ChangeStep:
    """One file, and what happens to it.

    Attributes
    ----------
    change : Addition or Deletion
        What was asked for.
    path : str
        The absolute path, free of symbolic links.
    size : int
        Bytes of the file.
    """

    change: Change
    path: str
    size: int

    def line(self) -> str:
        """Describe it in a line that is safe for a terminal."""
        verb = "add" if isinstance(self.change, Addition) else "delete"
        return f"{verb}  {printable(self.change.path)}   ({size_text(self.size)})"


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """What is to be done, in order: deletions first.

    Attributes
    ----------
    root : str
        The dataset, as given.
    steps : tuple of ChangeStep
        Each kind sorted by the bytes of the paths.
    refused : tuple of LeftFile
        What is not to be done, with the reason.
    unchanged : tuple of str
        Paths of additions that are there already, with the same bytes.
    """

    root: str
    steps: tuple[ChangeStep, ...]
    refused: tuple[LeftFile, ...] = ()
    unchanged: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Describe steps and refusals, each in a line that is safe for a terminal."""
        return [
            *(step.line() for step in self.steps),
            *(f"same  {printable(path)}   (it is there already)" for path in self.unchanged),
            *(Message(f"skip  {printable(one.path)}   (", one.reason, ")") for one in self.refused),
        ]
