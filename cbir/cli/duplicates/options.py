"""What ``cbir duplicates`` was asked for, and which requests contradict themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Literal

from cbir.cli.queries import check_streams
from cbir.core.errors import UsageError
from cbir.duplicates.actions import Action, read_log
from cbir.duplicates.loss import LossKind
from cbir.duplicates.model import CopyLevel, KeepPolicy

DIFFERENT = "different.txt"
"""Where pairs are noted unless told otherwise."""

_TELLING = ("json", "jsonl", "csv")
"""Formats that have room for what is known about images."""

_ALONE = {
    "--undo": ("--yes", "--dry-run", "--quiet", "--wait", "--follow-links"),
    "--mark-different": ("--ignore", "--quiet"),
}
"""Options that are a task of their own, and what may go with them."""


@dataclass(frozen=True)
class Options:
    """The options of ``cbir duplicates``, by the names of its parameters."""

    dataset: str | None
    index_path: str | None
    references: tuple[str, ...]
    queries: tuple[str, ...]
    from0: bool
    level: CopyLevel
    threshold: int | None
    keep: KeepPolicy | None
    allow_loss: frozenset[LossKind]
    format_: str | None
    null: bool
    report: str | None
    action: Action | Literal["list"]
    move_to: str | None
    permanently: bool
    sidecars: bool
    follow_links: bool
    yes: bool
    dry_run: bool
    log: str | None
    undo: str | None
    ignore: str | None
    mark_different: tuple[tuple[str, str], ...]
    exit_code: bool
    workers: int | None
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    where: str | None
    columns: tuple[str, ...]
    candidates: str | None
    wait: bool
    quiet: bool
    strict: bool

    @property
    def prints(self) -> bool:
        """What is found goes to standard output."""
        return self.action == "list" or self.null or self.format_ is not None

    @property
    def silent(self) -> bool:
        """Not even the plan is to be seen."""
        return self.quiet and self.yes and not self.dry_run

    def check(self, given: Set[str]) -> None:
        """Refuse what makes no sense, before any work is done.

        Parameters
        ----------
        given : set of str
            The long names of the options that are on the command line.

        Raises
        ------
        UsageError
        """
        for option, company in _ALONE.items():
            others = sorted(given - {option, *company})
            if option in given and others:
                one_log = option == "--undo" and others[0] == "DIR"
                hint = " (one log at a time)" if one_log else ""
                raise UsageError(f"{option} is a task of its own; leave out {others[0]}{hint}")
        if self.undo is None and not self.mark_different:
            check_streams(self.queries, self.from0, self.null, self.format_)
            for contradiction in (*self._of_search(), *self._of_action()):
                raise UsageError(contradiction)
        if self.undo is not None:
            read_log(self.undo)  # a wrong name is told before anything else
        acts = self.action != "list" or self.undo is not None
        if acts and not (self.yes or self.dry_run or _has_terminal()):
            raise UsageError(
                "there is no terminal to ask on whether files may be changed; say so with --yes,"
                " or look at the plan with --dry-run"
            )

    def _of_search(self) -> Iterator[str]:
        if self.dataset is None and self.index_path is None:
            yield "say where the images are: a folder DIR, or --index FILE"
        if self.dataset is None and not self.references and (self.include or self.exclude):
            yield "an index alone is taken as it is; --include and --exclude go with --dataset"
        if self.columns and self.report is None and (self.null or self.format_ not in _TELLING):
            yield "--columns is for --report, or for --format json, jsonl or csv"
        if self.candidates is not None and self.level != "edited":
            yield "--candidates goes with --level edited"
        if self.level == "exact" and self.threshold is not None:
            yield "--level exact has no threshold; leave out --threshold, or choose another level"
        if self.queries and self.action != "list":
            yield f"--query only asks; --action {self.action} is for groups: leave out one of them"
        if self.queries and self.keep is not None:
            yield "--keep chooses among a group; with --query, the query is what stays"
        if self.queries and self.report is not None:
            yield "--report shows groups; leave it out, or --query"

    def _of_action(self) -> Iterator[str]:
        if self.action == "move" and self.move_to is None:
            yield "say where to, with --move-to DIR"
        if self.action != "move" and self.move_to is not None:
            yield "--move-to goes with --action move"
        if self.action != "delete" and self.permanently:
            yield "--permanently goes with --action delete"
        if self.sidecars and (self.permanently or self.action not in ("move", "delete")):
            yield "--sidecars goes with --action move, and with delete to the trash"
        if self.action == "list":
            for name, value in (
                ("--yes", self.yes), ("--dry-run", self.dry_run), ("--log", self.log),
                ("--follow-links", self.follow_links),
            ):  # fmt: skip
                if value:
                    yield f"{name} goes with an --action that changes files"


def _has_terminal() -> bool:
    """Say whether a question can be seen, and answered."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
