"""``/api/changes``, and the methods of ``/api/images`` that change something."""

from __future__ import annotations

import os
from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cbir.changes import LogSummary
from cbir.core.errors import printable
from cbir.search.results import path_fields
from cbir.web.addresses import NamedPath, image_url
from cbir.web.api.jobs import accepted
from cbir.web.changes_allowed import ChangesAllowed, ChangingRoute
from cbir.web.dataset_changes import (
    Changed,
    ChangeRefusedError,
    add_images,
    changes,
    check_path,
    remove_image,
    undo_change,
)
from cbir.web.image_files import ImageGoneError
from cbir.web.problems import ANY_ROUTE, JOB, example, problem
from cbir.web.service import Service, ServiceState

router = APIRouter(tags=["changes"], route_class=ChangingRoute)

_REFUSED: dict[int | str, dict[str, Any]] = {
    **ANY_ROUTE,
    403: problem("The server does not allow changes, or the token for them is missing."),
    409: problem("The files are not as they would have to be, or cannot be written."),
    507: problem("The disk is full."),
}
_TAKEN = example(
    {
        "path": "cats/new.jpg",
        "image": "/api/images/cats/new.jpg",
        "change": "cbir-changes-20261130-170000-000000.log",
        "job": JOB,
    },
    "The job that brings the index up to date.",
)

_LISTED = {
    "total": 1,
    "offset": 0,
    "changes": [
        {
            "log": "cbir-changes-20261130-170000-000000.log",
            "time": "2026-11-30T17:00:00+00:00",
            "done": {"add": 1},
            "undone": 0,
            "left": 0,
            "to_undo": 1,
            "open": 0,
            "problem": "",
        }
    ],
}


class ListedChanges(BaseModel):
    """Which changes are listed."""

    model_config = ConfigDict(extra="forbid")

    offset: int = Field(0, ge=0, description="How many changes to pass over.")
    limit: int = Field(50, ge=1, le=1000, description="How many to list at most.")


@router.get(
    "/api/changes",
    name="list_changes",
    responses={**ANY_ROUTE, 200: {"content": {"application/json": {"example": _LISTED}}}},
)
async def listed(service: Service, asked: Annotated[ListedChanges, Query()]) -> dict[str, Any]:
    """List what was added and removed by this server, the last first."""
    total, logs = await service.pool.run(changes, service, asked.offset, asked.limit)
    return {"total": total, "offset": asked.offset, "changes": [_told(log) for log in logs]}


@router.post(
    "/api/changes/{log}/undo",
    name="undo_change",
    status_code=202,
    responses={
        **_REFUSED,
        202: example(JOB, "The job that takes it back."),
        404: problem("There is no such change."),
    },
    dependencies=[ChangesAllowed],
)
async def undo(service: Service, log: str) -> Response:
    """Take a change back, in the background, as far as it can be."""
    return accepted(await service.pool.run(undo_change, service, log))


@router.put(
    "/api/images/{path:image}",
    name="put_image",
    status_code=202,
    openapi_extra={
        "requestBody": {
            "description": "The file.",
            "required": True,
            "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    responses={
        **_REFUSED,
        200: {"description": "It is there already, with the same bytes."},
        202: _TAKEN,
        413: problem("It is larger than uploads may be."),
        415: problem("The body is a form, and not a file."),
    },
    dependencies=[ChangesAllowed],
)
async def put(service: Service, request: Request, path: NamedPath) -> Response:
    """Add an image to the dataset; the index takes it in, in the background."""
    check_path(path)
    data = await _body(service, request)
    return _answer(await service.pool.run(add_images, service, [(path, data)]), path)


@router.delete(
    "/api/images/{path:image}",
    name="delete_image",
    status_code=202,
    responses={
        **_REFUSED,
        202: _TAKEN,
        404: problem("The index has no such image."),
        410: problem("Its file is not there any more."),
    },
    dependencies=[ChangesAllowed],
)
async def delete(service: Service, path: NamedPath) -> Response:
    """Put an image into the desktop's trash; it leaves the index, in the background."""
    return _answer(await service.pool.run(_removed, service, path), path)


def _removed(service: ServiceState, path: str) -> Changed:
    try:
        return remove_image(service, path)
    except ChangeRefusedError:
        # Who was quicker removed it, and the index does not know yet.
        if os.path.lexists(os.path.join(service.index.root, path)):
            raise
        raise ImageGoneError(f"{printable(path)}: the file is not there any more") from None


async def _body(service: ServiceState, request: Request) -> bytes:
    # What curl sends without being told otherwise is named a form, too; it is the file.
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(415, "the body is to be the file itself, and not a form")
    data, most = bytearray(), service.settings.max_upload
    async for part in request.stream():
        data += part
        if len(data) > most:
            raise HTTPException(413, f"the file is larger than {most / 1e6:,.1f} megabytes")
    return bytes(data)


def _answer(changed: Changed, path: str) -> Response:
    told = {**path_fields("path", path), "image": image_url(path), "change": changed.log or None}
    if changed.job is None:
        return JSONResponse({**told, "job": None}, headers={"Location": image_url(path)})
    where = {"Location": f"/api/jobs/{changed.job.id}"}
    return JSONResponse({**told, "job": changed.job.to_dict()}, 202, headers=where)


def _told(log: LogSummary) -> dict[str, Any]:
    return {
        "log": os.path.basename(log.path),
        "time": log.time and log.time.astimezone(UTC).isoformat(timespec="seconds"),
        "done": log.done,
        "undone": log.undone,
        "left": log.left,
        "to_undo": log.to_undo,
        "open": log.open,
        "problem": log.problem,
    }
