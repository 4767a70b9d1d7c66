"""``/api/duplicates``: groups of copies, and what is to be done with them."""

from __future__ import annotations

import base64
import os
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cbir.core.errors import UsageError
from cbir.duplicates.actions import Plan
from cbir.web.api.jobs import accepted
from cbir.web.changes_allowed import ChangesAllowed, ChangingRoute
from cbir.web.duplicate_choices import (
    Choices,
    GroupChoice,
    WebAction,
    found_in,
    plan_of,
    start_acting,
)
from cbir.web.duplicate_documents import groups_document
from cbir.web.duplicates_form import DuplicatesForm, DuplicatesPage
from cbir.web.jobs import Job
from cbir.web.problems import ANY_ROUTE, JOB, example, problem
from cbir.web.service import Service

router = APIRouter(tags=["duplicates"], route_class=ChangingRoute)

_MOST_CHOSEN = 10_000

_FOUND = {
    "generation": "5f0c2a9e4b1d7788",
    "level": "near",
    "threshold": None,
    "keep": "best",
    "images": 103,
    "total": 1,
    "offset": 0,
    "groups": [
        {
            "group": 1,
            "keep": "cats/cat-1.jpg",
            "duplicates": [
                {
                    "path": "cats/small.jpg",
                    "distance": 2,
                    "level": "near",
                    "evidence": "2 of 256 bits differ",
                    "image": "/api/images/cats/small.jpg",
                    "thumbnail": "/api/thumbnails/cats/small.jpg?size=320&version=1f0a",
                }
            ],
            "max_distance": 2,
        }
    ],
}

_PLANNED = {
    "plan": "qF3v",
    "action": "delete",
    "steps": 1,
    "refused": 0,
    "bytes": 53017,
    "lines": ["delete cats/small.jpg"],
}

_REFUSED: dict[int | str, dict[str, Any]] = {
    403: problem("The server does not allow changes, or the token for them is missing."),
    409: problem("The groups were found anew meanwhile, or the index lacks what is needed."),
}


@router.get(
    "/api/duplicates",
    name="list_duplicates",
    responses={
        **ANY_ROUTE,
        200: {"content": {"application/json": {"example": _FOUND}}},
        202: example(JOB, "The job that finds them; ask again after Retry-After seconds."),
        409: problem("The index lacks hashes or local features of its images."),
    },
)
async def duplicates(service: Service, asked: Annotated[DuplicatesPage, Query()]) -> Response:
    """Return the groups of copies, as ``cbir duplicates`` finds them in an index."""
    form = DuplicatesForm(**asked.model_dump(include=set(DuplicatesForm.model_fields)))
    found = await service.pool.run(service.duplicates.find, service.index, form)
    if isinstance(found, Job):
        answer = accepted(found)
        answer.headers["Retry-After"] = "1"
        return answer
    return JSONResponse(await service.pool.run(groups_document, found, asked.offset, asked.limit))


class NamedImage(BaseModel):
    """An image of the index, as answers name it."""

    model_config = ConfigDict(extra="forbid")

    path: str | None = Field(None, max_length=4096)
    path_base64: str | None = Field(
        None, max_length=8192, description="Of the bytes of a path that is not UTF-8."
    )

    def name(self) -> str:
        """Return its path.

        Raises
        ------
        UsageError
            When it has none.
        """
        if self.path_base64 is not None:
            try:
                return os.fsdecode(base64.b64decode(self.path_base64, validate=True))
            except ValueError:  # characters that base64 does not have
                raise UsageError("path_base64 is not base64") from None
        if self.path is None:
            raise UsageError("an image is named by its path")
        return self.path


class ChosenGroup(BaseModel):
    """What is to be done with a group."""

    model_config = ConfigDict(extra="forbid")

    group: int = Field(ge=1, description="The number of the group.")
    keep: NamedImage | None = Field(None, description="What stays, if not what was chosen.")
    act: list[NamedImage] | None = Field(
        None, max_length=_MOST_CHOSEN, description="The copies that go; all that may unless told."
    )

    def choice(self) -> GroupChoice:
        """Return the same with paths.

        Raises
        ------
        UsageError
            When an image is not named.
        """
        return GroupChoice(
            None if self.keep is None else self.keep.name(),
            None if self.act is None else frozenset(one.name() for one in self.act),
        )


class AskedPlan(DuplicatesForm):
    """What is to be done with the groups of a search."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"level": "near", "action": "delete", "groups": None}]},
    )

    action: WebAction = Field(
        "delete",
        description="`delete`: to the desktop's trash; `hardlink`: copies of the same bytes become"
        " links to the image that stays.",
    )
    sidecars: bool = Field(False, description="With `delete`: also files that go with a copy.")
    generation: str | None = Field(
        None, max_length=64, description="Of the index in which the groups were found."
    )
    groups: list[ChosenGroup] | None = Field(
        None, max_length=_MOST_CHOSEN, description="All groups unless told."
    )

    def form(self) -> DuplicatesForm:
        """Return what the groups were asked for with."""
        return DuplicatesForm(**self.model_dump(include=set(DuplicatesForm.model_fields)))

    def choices(self) -> Choices:
        """Return what is to be done.

        Raises
        ------
        UsageError
            When an image is not named.
        """
        groups = None
        if self.groups is not None:
            groups = {one.group: one.choice() for one in self.groups}
        return Choices(self.action, groups, self.sidecars)


class NamedPlan(BaseModel):
    """A plan that was shown."""

    model_config = ConfigDict(extra="forbid")

    plan: str = Field(max_length=64, description="What the plan is called, from the answer to it.")


@router.post(
    "/api/duplicates/plan",
    name="plan_duplicates",
    responses={**ANY_ROUTE, **_REFUSED, 200: example(_PLANNED)},
    dependencies=[ChangesAllowed],
)
async def plan(service: Service, asked: AskedPlan) -> dict[str, Any]:
    """Say what would be done with copies, and what not; nothing is changed."""
    found = found_in(service, asked.generation, asked.form())
    planned = await service.pool.run(plan_of, found, asked.choices())
    return {"plan": service.plans.show(planned).token, **_told(planned)}


@router.post(
    "/api/duplicates/act",
    name="act_on_duplicates",
    status_code=202,
    responses={
        **ANY_ROUTE,
        **_REFUSED,
        202: example(JOB, "The job that acts."),
        404: problem("The plan is not remembered any more."),
    },
    dependencies=[ChangesAllowed],
)
async def act(service: Service, asked: NamedPlan) -> Response:
    """Do what a plan says, in the background; a plan is done once."""
    return accepted(service.plans.act(asked.plan, lambda planned: start_acting(service, planned)))


def _told(planned: Plan) -> dict[str, Any]:
    return {
        "action": planned.action,
        "steps": len(planned.steps),
        "refused": len(planned.refused),
        "bytes": planned.size,
        "lines": planned.lines(),
    }
