"""The images that ``search`` writes of its results: a montage, and an explanation."""

from __future__ import annotations

from collections.abc import Sequence

import click

from cbir.cli.progress import TerminalProgress
from cbir.cli.wording import error_text
from cbir.core.errors import CbirError, printable, reason_of
from cbir.search.results import SearchResult

USUAL_MONTAGE = "montage.jpg"


def check_montage(path: str | None, no_montage: bool, in_use: Sequence[str] = ()) -> None:
    if path is None:
        return
    if no_montage:
        raise click.UsageError("--montage and --no-montage contradict each other")
    from cbir.reports.montage import MONTAGE

    MONTAGE.check(path, in_use)


def make_montage(
    results: Sequence[SearchResult],
    asked: str | None,
    top: int,
    in_use: Sequence[str],
    listener: TerminalProgress,
) -> None:
    """Write the montage; one that was not asked for is left out where it cannot be written."""
    if not results:
        return
    from cbir.reports.montage import MONTAGE, write_montage

    path = asked or USUAL_MONTAGE
    try:
        MONTAGE.check(path, in_use)
        notes = write_montage(path, results, top)
    except (CbirError, OSError) as error:  # without a working folder, there is no path at all
        if asked is not None:
            raise
        reason = reason_of(error) if isinstance(error, OSError) else error_text(error)
        click.echo(f"No montage: {reason}", err=True)
        return
    for note in notes:
        listener.note(note)
    listener.note(f"Montage: {printable(path)}")


def check_explanation(path: str | None, in_use: Sequence[str] = ()) -> None:
    if path is not None:
        from cbir.reports.explanation import EXPLANATION

        EXPLANATION.check(path, in_use)


def make_explanation(
    results: Sequence[SearchResult], path: str | None, top: int, listener: TerminalProgress
) -> None:
    """Write the explanation, if one is asked for and there is something to explain."""
    if path is None or not results:
        return
    from cbir.reports.explanation import write_explanation

    for note in write_explanation(path, results, top):
        listener.note(note)
    listener.note(f"Explanation: {printable(path)}")
