"""Add images to the dataset, remove them, and take that back; each time the index follows."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cbir.changes import (
    Addition,
    ChangePlan,
    Deletion,
    LogSummary,
    change,
    finish,
    plan_changes,
    read_log,
    undo,
)
from cbir.core import stderr_capture
from cbir.core.atomic_files import kind_of
from cbir.core.errors import CbirError, UsageError, printable
from cbir.core.real_paths import real_path
from cbir.core.threads import one_thread_each
from cbir.images.discovery import IMAGE_EXTENSIONS, find_image
from cbir.search.engine import Index
from cbir.web.index_updates import UPDATE_PATHS, update_all, update_awaited, update_paths
from cbir.web.jobs import Job, JobListener
from cbir.web.service import ServiceState

UNDO = "undo"
"""The kind of the jobs that take a change back."""

_LOOKED_AT = 320
"""Longest side, in pixels, to which an image is decoded to know whether it can be read."""

_LOOKED_THROUGH = 100
"""Logs, the last first, in which a removed image is looked for."""

_LOG = logging.getLogger(__name__)


class ChangeRefusedError(CbirError):
    """The files of the dataset are not as they would have to be."""


class NoSuchChangeError(CbirError):
    """There is no such log."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that was made.

    Attributes
    ----------
    paths : tuple of str
        Of the images that were added or removed.
    log : str
        The name of its log; empty if there was nothing to do.
    job : Job or None
        What brings the index up to date; None if it is.
    """

    paths: tuple[str, ...]
    log: str = ""
    job: Job | None = None


@contextmanager
def logged_change(service: ServiceState, patience: float = 20.0) -> Iterator[str]:
    """Change files with a new log, whose path it gives, as the only one that changes any.

    However it ends, the paths that the log tells of wait for an update of the index then.

    Raises
    ------
    BusyError
        When others still change something after so many seconds; -1: wait for as long as it takes.
    """
    with service.changes.turn(patience):
        log = service.changes.new_log()
        try:
            yield log
        finally:
            if os.path.exists(log):
                service.changes.await_update(logged_paths(service.index, log))


def add_images(service: ServiceState, images: Sequence[tuple[str, bytes]]) -> Changed:
    """Add images to the dataset.

    Parameters
    ----------
    service : ServiceState
    images : sequence of (str, bytes)
        Paths within the dataset, and what is to be in these files.

    Raises
    ------
    UnreadableImageError
        When one cannot be read.
    UsageError
        When no image may have such a path.
    ChangeRefusedError
        When something else is at one of the paths: then none is added.
    NoSpaceError, NoWritingError
        When the system does not let them be written.
    BusyError
        When others change something for long.
    """
    for path, data in images:
        check_path(path)
        check_image(service, data)
    additions = [Addition(path, data) for path, data in images]
    return _changed(service, plan_changes(service.index.root, additions))


def remove_image(service: ServiceState, path: str) -> Changed:
    """Put an image of the index into the desktop's trash.

    Raises
    ------
    NoSuchImageError
        When the index has none.
    ChangeRefusedError
        When its file was changed since it was indexed, is missing, or out of the dataset, or when
        no other image would be left.
    BusyError
        When others change something for long.
    """
    index = service.index
    entry = service.files(index).entry(path)
    if not _others_are_there(index, path):
        raise ChangeRefusedError(
            f"{printable(path)}: it is the last image, and an index has one at least; add another"
            " first"
        )
    deletion = Deletion(path, entry.sha256)
    return _changed(service, plan_changes(index.root, deletions=[deletion]))


def changes(service: ServiceState, offset: int, limit: int) -> tuple[int, list[LogSummary]]:
    """Return how many changes there were, and what some of the logs say, the last first."""
    logs = service.changes.logs(service.index.root)
    return len(logs), logs[offset : offset + limit]


def removing_log(service: ServiceState, path: str) -> str | None:
    """Return the name of the last log by which an image can be taken back out of the trash.

    None: there is none.
    """
    for log in changes(service, 0, _LOOKED_THROUGH)[1]:
        is_removal = not log.problem and log.to_undo and "delete" in log.done
        if is_removal and path in logged_paths(service.index, log.path):
            return os.path.basename(log.path)
    return None


def log_named(service: ServiceState, name: str) -> str:
    """Return the path of a log.

    Raises
    ------
    NoSuchChangeError
        When there is none of that name.
    """
    folder = service.changes.folder
    try:
        names = os.listdir(folder)
    except OSError:
        names = []
    if name not in names:
        raise NoSuchChangeError(f"{printable(name)}: there is no log of such a change")
    return os.path.join(folder, name)


def undo_change(service: ServiceState, name: str) -> Job:
    """Start a job that takes back what a log tells, and then brings the index up to date.

    Raises
    ------
    NoSuchChangeError
        When there is no such log.
    ChangeRefusedError
        When it cannot be read, or tells of another dataset.
    BusyError
        When too many jobs wait.
    """
    log = log_named(service, name)
    told = next((one for one in service.changes.logs(service.index.root) if one.path == log), None)
    if told is None:
        raise NoSuchChangeError(f"{printable(name)}: there is no log of such a change")
    if told.problem:
        raise ChangeRefusedError(told.problem)

    def work(listener: JobListener) -> dict[str, Any]:
        with service.changes.turn(patience=-1):
            try:
                report = undo(log, listener, stopped=listener.stopped, root=service.index.root)
            finally:
                service.changes.await_update(logged_paths(service.index, log))
        counts = {"undone": len(report.undone), "left": len(report.left), "log": name}
        return {**counts, "update": update_awaited(service, listener)}

    return service.jobs.start(UNDO, work)


def go_on(service: ServiceState) -> Job | None:
    """Start a job that finishes what was interrupted when the server was killed, if need be.

    Each change is done as a whole then or not at all, and the index knows of it.
    """
    folder = service.changes.folder
    was_updating, unfinished = service.changes.was_updating, service.served.store.unfinished
    if not (unfinished or (os.path.isdir(folder) and os.listdir(folder))):
        return None

    def work(listener: JobListener) -> dict[str, Any]:
        index = service.index
        for summary in service.changes.logs(index.root):
            if summary.problem:
                continue
            with service.changes.turn(patience=-1):
                if summary.open:
                    _finish(summary.path, index.root, listener)
                paths = logged_paths(index, summary.path)
            service.changes.await_update(path for path in paths if _differs(index, path))
        result = update_awaited(service, listener)
        goes_on = was_updating or (unfinished and not result)
        return update_all(service, listener) if goes_on else result

    return service.jobs.start(UPDATE_PATHS, work)


def _finish(log: str, root: str, listener: JobListener) -> None:
    try:
        finish(log, root=root)
    except CbirError as error:  # the other logs and the index are to be looked at all the same
        listener.warn(error.message)


def check_image(service: ServiceState, data: bytes) -> None:
    """Make sure that an image can be read.

    Raises
    ------
    UnreadableImageError
        When it cannot.
    """
    image = service.queries.checked(data)
    with stderr_capture.capture(), one_thread_each():
        image.pixels(_LOOKED_AT)


def check_path(path: str) -> None:
    """Make sure that an image may have a path, wherever it leads.

    Raises
    ------
    UsageError
        When none may.
    """
    if any(part.startswith(".") or not part for part in path.split("/")) or "\0" in path:
        raise UsageError(
            f"{printable(path)}: this is no path of an image; give one within the dataset, without"
            " names that begin with a dot"
        )
    if os.path.splitext(path)[1].lower() not in IMAGE_EXTENSIONS:
        raise UsageError(
            f"{printable(path)}: the name has no extension of an image that is indexed, like .jpg"
        )


def _changed(service: ServiceState, planned: ChangePlan) -> Changed:
    for one in planned.refused:
        raise ChangeRefusedError(one.message)
    missing = [path for path in planned.unchanged if _differs(service.index, path)]
    if not planned.steps:
        job = update_paths(service, missing) if missing else None
        return Changed(planned.unchanged, job=job)
    with logged_change(service) as log:
        report = change(planned, log)
    for one in (*report.skipped, *report.failed):
        kind = kind_of(one.number)
        raise (ChangeRefusedError if kind is CbirError else kind)(one.message)
    paths = tuple(step.change.path for step in report.done)
    job = update_paths(service, missing)
    return Changed((*paths, *planned.unchanged), os.path.basename(log), job)


def logged_paths(index: Index, log: str) -> list[str]:
    """Return the paths of the index that a log tells of."""
    start = os.path.join(real_path(index.root), "")
    try:
        steps = read_log(log)
    except CbirError as error:
        _LOG.warning("%s", error)
        return []
    paths = (step.path for step in steps)
    return [path[len(start) :] for path in dict.fromkeys(paths) if path.startswith(start)]


def _others_are_there(index: Index, path: str) -> bool:
    """Say whether the file of any other image is there; of the first one that is."""
    others = (
        os.path.join(index.root, other) for other in index.snapshot.rows.paths if other != path
    )
    return any(map(os.path.lexists, others))


def _differs(index: Index, path: str) -> bool:
    """Say whether an index tells of a path something else than is there."""
    entry = index.catalog.find(path)
    try:
        file = find_image(index.root, path)
    except CbirError:
        return False
    told = None if entry is None else (entry.bytes, entry.mtime)
    return told != (None if file is None else (file.size, file.mtime))
