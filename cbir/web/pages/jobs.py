"""``/jobs``: what runs in the background, and how far it has come."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from cbir.web.changes_allowed import ChangesAllowed, ChangingRoute
from cbir.web.index_updates import PREPARE, update_index
from cbir.web.jobs import Job
from cbir.web.query_string import address
from cbir.web.rendering import render
from cbir.web.security.authentication import local_path
from cbir.web.service import Service

router = APIRouter(include_in_schema=False, route_class=ChangingRoute)

_PLACES = {"/": "To the images", "/changes": "To the changes", "/duplicates": "To the duplicates"}
"""What the buttons say that lead on from a job, by path."""


@router.get("/jobs")
async def jobs(service: Service, request: Request) -> Response:
    """List the jobs that are remembered, the newest first."""
    return render(request, "jobs", jobs=service.jobs.all())


@router.post("/jobs/update", dependencies=[ChangesAllowed])
async def update(service: Service) -> Response:
    """Bring the index up to date with the files of the dataset, in the background."""
    return to_job(update_index(service), "/")


@router.get("/jobs/{job_id}")
async def job(
    service: Service,
    request: Request,
    job_id: str,
    wanted: Annotated[str, Query(alias="next", max_length=4096)] = "/",
) -> Response:
    """Say how far a job has come, and lead on to what it was for."""
    found = service.jobs.get(job_id)
    if found is None:
        raise HTTPException(404, "there is no such job, or none any more")
    following = local_path(wanted)
    return render(
        request,
        "job",
        job=found,
        following=following,
        place=_PLACES.get(following.partition("?")[0], "Go on"),
        # Its numbers tell nobody anything: it was only in the way of what was asked for.
        goes_on=found.kind == PREPARE,
    )


def to_job(job: Job, following: str) -> Response:
    """Return the answer that leads to the page of a job, and from there to another address."""
    return RedirectResponse(address(f"/jobs/{job.id}", [("next", following)]), 303)
