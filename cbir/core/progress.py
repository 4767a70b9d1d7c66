"""How long work tells what it is doing: commands print it, programs mostly ignore it."""

from __future__ import annotations

from cbir.core.arguments import check_type
from cbir.core.errors import UnreadableImageError


class ProgressListener:
    """Told of progress and of what goes wrong on the way; this one is silent.

    What it is told in words may be a :class:`~cbir.core.messages.Message`: text in words of the
    API, which can be said in others.
    """

    @staticmethod
    def of(listener: ProgressListener | None) -> ProgressListener:
        """Return a listener that a caller gave, or for None a silent one."""
        if listener is None:
            return ProgressListener()
        check_type(listener, ProgressListener, "a listener")
        return listener

    def begin(self, task: str, total: int, unit: str = "images") -> None:
        """A task of `total` steps begins; `unit` is what a step is."""

    def advance(self, steps: int = 1) -> None:
        """Some steps are done."""

    def unreadable(self, error: UnreadableImageError) -> None:
        """A file could not be read."""

    def warn(self, message: str) -> None:
        """Something is odd, but the work goes on."""

    def note(self, message: str) -> None:
        """Something that is good to know."""

    def end(self) -> None:
        """The task is over."""
