"""What is to be done with the duplicates that were found, as somebody chose it: a plan."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from cbir.changes import LeftFile
from cbir.core.errors import UsageError
from cbir.core.messages import Message, Parameter
from cbir.duplicates.actions import Plan, Removal, act, plan
from cbir.duplicates.model import Group
from cbir.web.dataset_changes import ChangeRefusedError, logged_change
from cbir.web.duplicate_searches import FoundGroups, within
from cbir.web.duplicates_form import DuplicatesForm
from cbir.web.index_updates import update_awaited
from cbir.web.jobs import Job, JobListener
from cbir.web.service import ServiceState

KIND = "act on duplicates"
"""Of the jobs that carry a plan out."""

WebAction = Literal["delete", "hardlink"]
"""What can be done with copies: to the desktop's trash, or replaced by links to the kept image."""


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """What is to be done with a group.

    Attributes
    ----------
    keep : str or None
        The path of the image that stays; None for the one that the search chose.
    act : frozenset of str or None
        The paths of the copies that go; None for all that may.
    """

    keep: str | None = None
    act: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """What is to be done.

    Attributes
    ----------
    action : {"delete", "hardlink"}
    groups : mapping of int to GroupChoice or None
        By the number of the group; None for all groups, as they were found.
    sidecars : bool
        Files that go with a copy go to the trash, too.
    """

    action: WebAction = "delete"
    groups: Mapping[int, GroupChoice] | None = None
    sidecars: bool = False


@dataclass
class _Removals:
    found: FoundGroups
    no_copies: list[LeftFile] = field(default_factory=list)
    """Images that were chosen to go, and are no copies of what stays."""

    def of_all(self) -> Iterator[Removal]:
        for group in self.found.groups:
            yield from self._removals(group, None)

    def of_group(self, number: int, choice: GroupChoice) -> Iterator[Removal]:
        group = self.found.group(number)
        if group is None:
            raise UsageError(f"there is no group {number}; they were found anew, look again")
        members = {group.keep.path, *(one.record.path for one in group.duplicates)}
        if not (choice.act or frozenset()) | ({choice.keep} if choice.keep else set()) <= members:
            raise UsageError(f"group {number} has other images; they were found anew, look again")
        kept = choice.keep or group.keep.path
        if choice.act is not None and kept in choice.act:
            raise UsageError(f"group {number}: what is kept cannot go as well; choose another one")
        around = group if kept == group.keep.path else self._around(group, kept)
        copies = {one.record.path for one in around.duplicates} if around else set()
        for path in sorted((choice.act or frozenset()) - copies):
            self.no_copies.append(
                LeftFile(path, "it is a copy of another one, and not of the image that is kept")
            )
        if around is not None:
            yield from self._removals(around, choice.act)

    def _around(self, group: Group, kept: str) -> Group | None:
        """Compare the images of a group with one of them that the search would not keep."""
        from cbir.duplicates.regrouping import group_around

        found, form = self.found, self.found.form
        members = {group.keep.path, *(one.record.path for one in group.duplicates)} - {kept}
        around = group_around(
            found.collection,
            found.file(kept),
            frozenset(map(found.file, members)),
            form.level,
            threshold=form.threshold,
            allow_loss=form.losses(),
        )
        return around and within(around, found.root)

    def _removals(self, group: Group, chosen: frozenset[str] | None) -> Iterator[Removal]:
        for one in group.duplicates:
            wanted = one.removable if chosen is None else one.record.path in chosen
            if wanted:
                yield Removal(
                    kept=group.keep.path,
                    copy=one.record.path,
                    kept_sha256=group.keep.sha256,
                    copy_sha256=one.record.sha256,
                    level=one.match.level,
                    losses=one.losses,
                )


def found_in(service: ServiceState, generation: str | None, form: DuplicatesForm) -> FoundGroups:
    """Return the groups that somebody looked at.

    Raises
    ------
    ChangeRefusedError
        When they are not kept any more, or were not found yet.
    """
    found = service.duplicates.known(generation or service.index.generation, form)
    if found is None:
        raise ChangeRefusedError(
            "the groups are not known here, or not any more; find them again, and look at them"
        )
    return found


def plan_of(found: FoundGroups, choices: Choices) -> Plan:
    """Return the plan of what is to be done; nothing is changed.

    Raises
    ------
    UsageError
        When what was chosen is not what was found.
    CbirError
        When an image is to be kept for one copy and to go as another.
    """
    removals = _Removals(found)
    if choices.groups is None:
        wanted = list(removals.of_all())
    else:
        wanted = [
            removal
            for number, choice in sorted(choices.groups.items())
            for removal in removals.of_group(number, choice)
        ]
    if choices.sidecars and choices.action != "delete":
        raise UsageError(
            Message(Parameter("sidecars", True), " is for what is deleted: links leave all names")
        )
    planned = plan(
        wanted,
        choices.action,
        found.root,
        allow_loss=found.form.losses(),
        sidecars=choices.sidecars,
    )
    return replace(planned, refused=(*planned.refused, *removals.no_copies))


def start_acting(service: ServiceState, planned: Plan) -> Job:
    """Start a job that carries a plan out, and then brings the index up to date.

    Raises
    ------
    BusyError
        When too many jobs wait.
    """

    def work(listener: JobListener) -> dict[str, Any]:
        with logged_change(service, patience=-1) as log:
            report = act(planned, log, listener, stopped=listener.stopped)
        counts = {
            "done": len(report.done),
            "skipped": len(report.skipped),
            "failed": len(report.failed),
            "sidecars": len(report.sidecars),
            "bytes_freed": report.bytes_freed,
            "log": os.path.basename(log),
        }
        return {**counts, "update": update_awaited(service, listener)}

    return service.jobs.start(KIND, work)
