"""Updates of the served index, in the background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cbir.web.jobs import Job, JobListener
from cbir.web.service import ServiceState

UPDATE = "update"


def update_index(service: ServiceState) -> Job:
    """Start an update of the index to what is in the dataset, or return one that waits already.

    Raises
    ------
    BusyError
        When too many jobs wait.
    """
    settings = service.settings

    def work(listener: JobListener) -> dict[str, Any]:
        return _update(service, settings.include, settings.exclude, False, listener)

    return service.jobs.start(UPDATE, work, only_one=True)


def update_paths(
    service: ServiceState, paths: Sequence[str], listener: JobListener
) -> dict[str, Any]:
    """Bring the index up to date about some paths, within a job; other images stay as they are."""
    return _update(service, [_pattern(path) for path in paths], (), True, listener)


def _update(
    service: ServiceState,
    include: Sequence[str],
    exclude: Sequence[str],
    keep_others: bool,
    listener: JobListener,
) -> dict[str, Any]:
    from cbir.indexing.build import build_index

    index = service.index
    report = build_index(
        index.root,
        index.path,
        include=include,
        exclude=exclude,
        keep_others=keep_others,
        wait=True,
        listener=listener,
    )
    service.served.refresh()
    numbers = ("images", "added", "updated", "reused", "renamed", "removed", "described")
    result: dict[str, Any] = {name: getattr(report, name) for name in numbers}
    result["unreadable"] = len(report.unreadable)
    return result


def _pattern(path: str) -> str:
    """Return the shell pattern that only a path matches."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
