"""``/changes``: what was added and removed, and how to take it back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from cbir.changes import LogSummary
from cbir.core.amounts import counted
from cbir.core.errors import printable
from cbir.web.addresses import NamedPath
from cbir.web.changes_allowed import ChangesAllowed, ChangingRoute
from cbir.web.dataset_changes import changes, logged_paths, remove_image, undo_change
from cbir.web.pages.jobs import to_job
from cbir.web.rendering import render
from cbir.web.service import Service, ServiceState

router = APIRouter(include_in_schema=False, route_class=ChangingRoute)

_PAGE = 20
_FEW = 3
"""Names that are told of a change."""

_VERBS = {
    "add": "added", "delete": "put in the trash", "hardlink": "replaced by links",
    "symlink": "replaced by links", "move": "moved",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change as the page shows it.

    Attributes
    ----------
    name : str
        Of its log.
    when : str
    what : str
        What was done, in words.
    names : sequence of str
        Of some of the images.
    more : int
        Images whose names are not told.
    to_undo : int
        Steps that can be taken back.
    problem : str
    """

    name: str
    when: str
    what: str
    names: Sequence[str]
    more: int
    to_undo: int
    problem: str


@router.get("/changes")
async def listed(
    service: Service, request: Request, offset: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """Show what was changed, the last first."""
    total, rows = await service.pool.run(_rows, service, offset)
    running = [job for job in service.jobs.all() if not job.ended]
    return render(
        request, "changes", rows=rows, total=total, offset=offset, limit=_PAGE, running=running
    )


@router.post("/changes/{log}/undo", dependencies=[ChangesAllowed])
async def undo(service: Service, log: str) -> Response:
    """Take a change back."""
    return to_job(await service.pool.run(undo_change, service, log), "/changes")


@router.post("/remove/{path:path}", dependencies=[ChangesAllowed])
async def remove(service: Service, path: NamedPath) -> Response:
    """Put an image into the desktop's trash; the list of changes has how to take it back."""
    await service.pool.run(remove_image, service, path)
    return RedirectResponse("/changes", 303)


def _rows(service: ServiceState, offset: int) -> tuple[int, list[ChangeRow]]:
    total, logs = changes(service, offset, _PAGE)
    return total, [_row(service, log) for log in logs]


def _row(service: ServiceState, log: LogSummary) -> ChangeRow:
    paths = [] if log.problem else logged_paths(service.index, log.path)
    parts = [f"{counted(count, 'file')} {_VERBS[action]}" for action, count in log.done.items()]
    parts += [f"{log.undone:,} taken back"] if log.undone else []
    parts += [f"{log.left:,} left alone"] if log.left else []
    parts += [f"{log.open:,} not finished"] if log.open else []
    return ChangeRow(
        os.path.basename(log.path),
        f"{log.time:%Y-%m-%d %H:%M} UTC" if log.time else "",
        ", ".join(parts) or "nothing was done",
        [printable(path) for path in paths[:_FEW]],
        max(0, len(paths) - _FEW),
        log.to_undo,
        log.problem,
    )
