"""``/jobs``: what runs in the background, and how far it has come."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from cbir.web.changes_allowed import ChangesAllowed, ChangingRoute
from cbir.web.index_updates import update_index
from cbir.web.jobs import Job
from cbir.web.rendering import render
from cbir.web.service import Service

router = APIRouter(include_in_schema=False, route_class=ChangingRoute)


@router.get("/jobs")
async def jobs(service: Service, request: Request) -> Response:
    """List the jobs that are remembered, the newest first."""
    return render(request, "jobs", jobs=service.jobs.all())


@router.post("/jobs/update", dependencies=[ChangesAllowed])
async def update(service: Service) -> Response:
    """Bring the index up to date with the files of the dataset, in the background."""
    return to_job(update_index(service))


@router.get("/jobs/{job_id}")
async def job(service: Service, request: Request, job_id: str) -> Response:
    """Say how far a job has come."""
    found = service.jobs.get(job_id)
    if found is None:
        raise HTTPException(404, "there is no such job, or none any more")
    return render(request, "job", job=found)


def to_job(job: Job) -> Response:
    """Return the answer that leads to the page of a job."""
    return RedirectResponse(f"/jobs/{job.id}", 303)
