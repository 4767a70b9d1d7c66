"""Progress, warnings and unreadable files on standard error."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import click

from cbir.cli.wording import worded
from cbir.core.amounts import duration_text
from cbir.core.errors import UnreadableImageError, shown
from cbir.core.progress import ProgressListener

PAUSE = 30.0
"""Seconds between two lines of progress, at least."""


class Lines:
    """Progress in plain lines: one each tenth of the work, but not more often than half a minute.

    Short work has none.

    Parameters
    ----------
    task, unit : str
    total : int
        Steps of the whole work.
    clock : callable
        Returns the time in seconds.

    Examples
    --------
    >>> times = iter([0, 10, 31, 60])
    >>> lines = Lines("Describing", 100, "images", clock=lambda: next(times))
    >>> [lines.after(20) for _ in range(3)]
    [None, 'Describing: 40 of 100 images, 31 s; about 46 s left', None]
    """

    def __init__(
        self, task: str, total: int, unit: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._task, self._total, self._unit = task[:1].upper() + task[1:], total, unit
        self._clock, self._start = clock, clock()
        self._last = self._start
        self._done = self._said = 0

    def after(self, steps: int) -> str | None:
        """Return what is to be said after some more steps, if anything."""
        self._done += steps
        if (self._done - self._said) * 10 < self._total:
            return None
        now = self._clock()
        if now - self._last < PAUSE or self._done >= self._total:
            return None
        self._last, self._said = now, self._done
        passed = now - self._start
        left = passed / self._done * (self._total - self._done)
        state = f"{self._done:,} of {self._total:,} {self._unit}, {duration_text(passed)}"
        return f"{self._task}: {state}; about {duration_text(left)} left"


class TerminalProgress(ProgressListener):
    """Tells what happens on standard error: with a bar on a terminal, else in plain lines.

    As a context manager it tells at the end how many files were left out without a word.

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
        self._lines: Lines | None = None
        self._bar: Any = None
        self._remedies: dict[tuple[str, str], int] = {}

    def begin(self, task: str, total: int, unit: str = "images") -> None:
        if self._quiet or sys.stderr is None:
            return
        if not sys.stderr.isatty():
            self._lines = Lines(task, total, unit)
        else:
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
        if self._lines is not None and (line := self._lines.after(steps)) is not None:
            self._say(line)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = self._lines = None

    def unreadable(self, error: UnreadableImageError) -> None:
        if error.remedy:
            cause = (error.reason, error.remedy)
            self._remedies[cause] = self._remedies.get(cause, 0) + 1
            if self._remedies[cause] > 1 and not self._verbose:
                return
        self._say(f"Cannot read {error}")

    def warn(self, message: str) -> None:
        self._say(f"Warning: {worded(message)}")

    def note(self, message: str) -> None:
        if not self._quiet:
            self._say(worded(message))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
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
            click.echo(shown(message), err=True)
