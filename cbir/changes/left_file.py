"""Files that were left as they are."""

from __future__ import annotations

from dataclasses import dataclass

from cbir.core.errors import printable
from cbir.core.messages import Message


@dataclass(frozen=True, slots=True)
class LeftFile:
    """A file that nothing is done to, and why.

    Attributes
    ----------
    path, reason : str
    number : int
        Of the operating system's error; 0 if there was none.
    """

    path: str
    reason: str
    number: int = 0

    @property
    def message(self) -> Message:
        """Both in a line."""
        return Message(f"{printable(self.path)}: ", self.reason)
