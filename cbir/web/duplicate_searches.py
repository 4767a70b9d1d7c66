"""Groups of duplicates in the served index: found by a job, and kept for a while."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cbir.core.errors import CbirError
from cbir.duplicates.model import Duplicate, Group, ImageRecord
from cbir.search.engine import Index
from cbir.web.duplicates_form import DuplicatesForm
from cbir.web.jobs import Job, JobListener, Jobs
from cbir.web.work_pool import BusyError

if TYPE_CHECKING:
    from cbir.duplicates.collection import Collection

KIND = "duplicates"
"""Of the jobs that find them."""

_KEPT = 6
"""Searches that are kept."""


@dataclass(frozen=True)
class FoundGroups:
    """What a search for duplicates has found.

    Attributes
    ----------
    generation : str
        Of the index.
    form : DuplicatesForm
        What was asked.
    collection : Collection
        The images that were compared.
    groups : tuple of Group
        With paths of the index.
    root : str
        Where the images are.
    """

    generation: str
    form: DuplicatesForm
    collection: Collection
    groups: tuple[Group, ...]
    root: str

    @cached_property
    def pairs(self) -> Mapping[tuple[str, str], tuple[Group, Duplicate]]:
        """Each copy with its group, by the paths of the kept image and of the copy."""
        return {
            (group.keep.path, one.record.path): (group, one)
            for group in self.groups
            for one in group.duplicates
        }

    def group(self, number: int) -> Group | None:
        """Return a group by its number, or None."""
        return self.groups[number - 1] if 1 <= number <= len(self.groups) else None

    def file(self, path: str) -> str:
        """Return the path of an image as its record in the collection has it."""
        return os.path.join(self.root, path)


@dataclass
class _Outcome:
    found: FoundGroups | None = None
    error: CbirError | None = None


@dataclass(frozen=True)
class _Search:
    job: Job
    outcome: _Outcome


class DuplicateSearches:
    """Searches for duplicates: one job for each question about a commit of the index.

    Threads may share it.

    Parameters
    ----------
    jobs : Jobs
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._searches: OrderedDict[tuple[str, str], _Search] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, generation: str, form: DuplicatesForm) -> FoundGroups | None:
        """Return what was found in a generation of the index, if it is kept."""
        search = self._searches.get((generation, form.key()))
        return None if search is None else search.outcome.found

    def find(self, index: Index, form: DuplicatesForm) -> FoundGroups | Job:
        """Return what was found, or the job that is finding it.

        Raises
        ------
        CbirError
            When the search has failed; the next time it is tried again.
        BusyError
            When too many run already.
        """
        key = index.generation, form.key()
        with self._lock:
            search = self._searches.get(key)
            if search is None:
                self._make_room()
                search = self._started(index, form)
                self._searches[key] = search
            self._searches.move_to_end(key)
            outcome = search.outcome
            if outcome.found is not None:
                return outcome.found
            if search.job.ended:
                del self._searches[key]
                raise outcome.error or CbirError(search.job.error or "the search was stopped")
            return search.job

    def _make_room(self) -> None:
        ended = [key for key, search in self._searches.items() if search.job.ended]
        if len(self._searches) >= _KEPT:
            if not ended:
                raise BusyError
            del self._searches[ended[0]]

    def _started(self, index: Index, form: DuplicatesForm) -> _Search:
        form.losses()  # a typing error is told at once
        outcome = _Outcome()

        def work(listener: JobListener) -> dict[str, Any]:
            try:
                found = _found(index, form, listener)
            except CbirError as error:
                outcome.error = error
                raise
            outcome.found = found
            copies = sum(len(group.duplicates) for group in found.groups)
            return {"groups": len(found.groups), "copies": copies}

        return _Search(self._jobs.start(KIND, work, queue="reads"), outcome)


def _found(index: Index, form: DuplicatesForm, listener: JobListener) -> FoundGroups:
    from cbir.duplicates.collection import collection_of
    from cbir.duplicates.grouping import find_groups
    from cbir.web.search_form import names_of

    collection = collection_of(
        index.snapshot,
        form.level,
        root=index.root,
        where=form.where,
        columns=names_of(form.columns),
        listener=listener,
    )
    groups = find_groups(
        collection,
        form.level,
        threshold=form.threshold,
        keep=form.keep,
        allow_loss=form.losses(),
        listener=listener,
    )
    named = tuple(within(group, index.root) for group in groups)
    return FoundGroups(index.generation, form, collection, named, index.root)


def within(group: Group, root: str) -> Group:
    """Return a group with the paths of the index, instead of those of the files."""
    start = len(os.path.join(root, ""))

    def named(record: ImageRecord) -> ImageRecord:
        return replace(record, path=record.path[start:])

    copies = tuple(replace(one, record=named(one.record)) for one in group.duplicates)
    return replace(group, keep=named(group.keep), duplicates=copies)
