"""What becomes of the results of ``search``: printed as they come, then told of and drawn."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import click

from cbir.cli.progress import TerminalProgress
from cbir.cli.search.formats import Printer
from cbir.cli.wording import command_of
from cbir.core.amounts import counted
from cbir.core.errors import CbirError, UnreadableImageError, printable
from cbir.core.folders import shortest
from cbir.core.messages import Call
from cbir.search.engine import Index
from cbir.search.results import SearchResult


class ResultHandler:
    """Prints results as they come, and gathers what is told or drawn when all are there.

    Attributes
    ----------
    drawn : list of SearchResult
        What is drawn when all are there; empty if no image is wanted.
    unreadable : int
        Queries.
    failure : Exception or None
        Why no more could be printed. With an image the search goes on, for that is wanted too.
    """

    def __init__(self, printer: Printer, listener: TerminalProgress, wants_image: bool) -> None:
        self._printer, self._listener, self._wants_image = printer, listener, wants_image
        self._matches = self._gone = self._identical = 0
        self.drawn: list[SearchResult] = []
        self.unreadable = 0
        self.failure: Exception | None = None

    def take(self, result: SearchResult | UnreadableImageError) -> None:
        """Print one result."""
        self._listener.advance()
        if isinstance(result, UnreadableImageError):
            with self._listener.paused():
                click.echo(f"Cannot read {result}", err=True)
            self.unreadable += 1
            return
        self._try(partial(self._printer.print, result))
        for note in result.notes:
            self._listener.warn(note)
        self._identical += result.identical
        self._matches += len(result.matches)
        self._gone += sum(not os.path.exists(match.path) for match in result.matches)
        if self._wants_image:
            self.drawn.append(result)

    def finish(self) -> None:
        """Print what comes after the last result."""
        self._listener.end()
        self._try(self._printer.finish)

    def tell(self, index: Index, where: str | None = None) -> None:
        """Say what is odd about the results."""
        if where is not None and not self._matches and not index.matching(where).any():
            self._listener.warn(f"--where {printable(where)}: {index.about_nothing(where)}")
        if self._gone and index.has_images:
            verb = "is" if self._gone == 1 else "are"
            update = Call("index", dataset=shortest(index.root), index=index.path)
            self._listener.warn(
                f"{self._gone:,} of {counted(self._matches, 'result')} {verb} not there any more;"
                f" bring the index up to date with: {command_of(update)}"
            )
        if self._identical:
            self._listener.note(
                f"{counted(self._identical, 'result')} with the very bytes of the query, under"
                " another path; --exclude-identical leaves out such copies, too"
            )

    def _try(self, write: Callable[[], None]) -> None:
        if self.failure is not None:
            return
        try:
            write()
        except (BrokenPipeError, CbirError) as error:
            if not self._wants_image:
                raise
            self.failure = error
