"""``/api/index`` and ``/api/jobs``: updates of the index in the background, and their progress."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from cbir.web.changes_allowed import ChangesAllowed, ChangingRoute
from cbir.web.index_updates import update_index
from cbir.web.jobs import Job
from cbir.web.problems import ANY_ROUTE, JOB, example, problem
from cbir.web.service import Service

router = APIRouter(tags=["jobs"], route_class=ChangingRoute)

_EVENTS = "text/event-stream"


@router.post(
    "/api/index",
    name="update_index",
    status_code=202,
    responses={
        **ANY_ROUTE,
        202: example(JOB, "The job, or one that waits already."),
        403: problem("The server does not allow changes, or the token for them is missing."),
    },
    dependencies=[ChangesAllowed],
)
async def update(service: Service) -> Response:
    """Bring the index up to date with the files of the dataset, in the background."""
    return accepted(update_index(service))


@router.get("/api/jobs", name="list_jobs", responses={**ANY_ROUTE, 200: example({"jobs": [JOB]})})
async def jobs(service: Service) -> dict[str, Any]:
    """List the jobs that are remembered, the newest first."""
    return {"jobs": [job.to_dict() for job in service.jobs.all()]}


@router.get(
    "/api/jobs/{job_id}",
    name="get_job",
    responses={
        **ANY_ROUTE,
        200: {
            "description": "The state of the job; as events until its end if these are accepted.",
            "content": {"application/json": {"example": JOB}, _EVENTS: {}},
        },
        404: problem("There is no such job, or none any more."),
    },
)
async def job(service: Service, request: Request, job_id: str) -> Response:
    """Say how far a job has come."""
    found = service.jobs.get(job_id)
    if found is None:
        raise HTTPException(404, "there is no such job, or none any more")
    if _EVENTS in request.headers.get("accept", ""):
        return StreamingResponse(_events(service.jobs.progress(found)), media_type=_EVENTS)
    return JSONResponse(found.to_dict())


def accepted(job: Job) -> Response:
    """Return the answer that a job was taken."""
    where = {"Location": f"/api/jobs/{job.id}"}
    return JSONResponse(job.to_dict(), 202, headers=where)


async def _events(states: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    async for state in states:
        yield f"data: {json.dumps(state)}\n\n"
