"""Progress, warnings and unreadable files on standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import click

from cbir.errors import UnreadableImageError
from cbir.watching import Watcher


class TerminalWatcher(Watcher):
    """Tells what happens on standard error, with a bar where that is a terminal.

    Parameters
    ----------
    quiet : bool
        Only warnings and unreadable files.
    verbose : bool
        Also each file whose reason and remedy were told already.
    """

    def __init__(self, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._bar: Any = None
        self._remedies: dict[tuple[str, str], int] = {}

    def begin(self, task: str, total: int, unit: str = "images") -> None:
        if not self._quiet and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                total=total,
                desc=task,
                unit=f" {unit}",
                file=sys.stderr,
                dynamic_ncols=True,
                leave=False,
            )

    def advance(self, steps: int = 1) -> None:
        if self._bar is not None:
            self._bar.update(steps)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def unreadable(self, error: UnreadableImageError) -> None:
        if error.remedy:
            cause = (error.reason, error.remedy)
            self._remedies[cause] = self._remedies.get(cause, 0) + 1
            if self._remedies[cause] > 1 and not self._verbose:
                return
        self._say(f"Cannot read {error}")

    def warn(self, message: str) -> None:
        self._say(f"Warning: {message}")

    def note(self, message: str) -> None:
        if not self._quiet:
            self._say(message)

    def finish(self) -> None:
        """Count what was left out for a reason that had been told."""
        self.end()
        for (reason, remedy), count in self._remedies.items():
            if count > 1 and not self._verbose:
                self._say(f"Cannot read {count - 1} more files: {reason} ({remedy})")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bar away while something is printed."""
        if self._bar is not None:
            self._bar.clear()
        yield
        if self._bar is not None:
            self._bar.refresh()

    def _say(self, message: str) -> None:
        with self.paused():
            click.echo(message, err=True)
