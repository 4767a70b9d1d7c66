"""Updates of the served index, in the background."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cbir.descriptors.local_features.base import LocalExtractor
from cbir.duplicates.model import CopyLevel
from cbir.search.engine import Index
from cbir.web.jobs import Job, JobListener
from cbir.web.service import ServiceState

UPDATE, UPDATE_PATHS = "update", "update of some images"
PREPARE = "preparation for duplicates"


def update_index(service: ServiceState) -> Job:
    """Start an update of the index to what is in the dataset, or return one that waits already.

    Raises
    ------
    BusyError
        When too many jobs wait.
    """

    def work(listener: JobListener) -> dict[str, Any]:
        return update_all(service, listener)

    return service.jobs.start(UPDATE, work, only_one=True)


def update_all(service: ServiceState, listener: JobListener) -> dict[str, Any]:
    """Bring the index up to date with the dataset, within a job.

    If the server is stopped or killed meanwhile, that is noted for the next start.
    """
    settings = service.settings
    with service.changes.noted_update():
        return _update(service, listener, include=settings.include, exclude=settings.exclude)


def update_paths(service: ServiceState, paths: Iterable[str]) -> Job:
    """Start an update of the index about some paths; other images stay as they are.

    Paths that are told before it begins are brought up to date together.
    """
    service.changes.await_update(paths)

    def work(listener: JobListener) -> dict[str, Any]:
        return update_awaited(service, listener)

    return service.jobs.start(UPDATE_PATHS, work, only_one=True)


def update_awaited(service: ServiceState, listener: JobListener) -> dict[str, Any]:
    """Bring the index up to date about all paths that wait for it, within a job."""
    paths = service.changes.take_paths()
    if not paths:
        return {}
    try:
        return _update(service, listener, paths=paths)
    except BaseException:
        service.changes.await_update(paths)
        raise


def _update(
    service: ServiceState,
    listener: JobListener,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    paths: Sequence[str] | None = None,
    descriptors: Sequence[str] = (),
    features: LocalExtractor[Any] | None = None,
) -> dict[str, Any]:
    from cbir.indexing.build import build_index

    index = service.index
    report = build_index(
        index.root,
        index.path,
        descriptors,
        include=include,
        exclude=exclude,
        paths=paths,
        features=features or kept_features(index),
        wait=True,
        listener=listener,
    )
    service.served.refresh()
    numbers = ("images", "added", "updated", "reused", "renamed", "removed", "described")
    result: dict[str, Any] = {name: getattr(report, name) for name in numbers}
    result["unreadable"] = len(report.unreadable)
    return result


def prepare_for_duplicates(service: ServiceState, level: CopyLevel) -> Job:
    """Start a job that adds to the index what a search for duplicates at a level needs."""

    def work(listener: JobListener) -> dict[str, Any]:
        from cbir.duplicates.collection import missing_descriptors
        from cbir.duplicates.image_content import EXTRACTOR

        descriptors = missing_descriptors(service.index.path)
        features = EXTRACTOR if level == "edited" else kept_features(service.index)
        return _update(service, listener, paths=(), descriptors=descriptors, features=features)

    return service.jobs.start(PREPARE, work, only_one=True)


def kept_features(index: Index) -> LocalExtractor[Any] | None:
    """Return what extracts the local features that an index keeps of its images, if it does."""
    from cbir.duplicates.image_content import EXTRACTOR

    first = index.snapshot.rows.facts["sha256"][:1]
    with index.snapshot.features(EXTRACTOR) as kept:
        return EXTRACTOR if any(sha256.tobytes() in kept for sha256 in first) else None
