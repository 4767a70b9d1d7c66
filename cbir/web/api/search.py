"""``/api/search``: images like others."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request, UploadFile
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cbir.core.errors import UsageError
from cbir.web import answers, query_string
from cbir.web.problems import ANY_ROUTE, problem
from cbir.web.search_form import SearchForm
from cbir.web.search_work import check_work
from cbir.web.service import Service, ServiceState

router = APIRouter(tags=["search"])

_WANTED = "an image file is sent as the field `image` of a form, as by curl -F image=@FILE"
_UNKNOWN = f"no field that a search knows; {_WANTED}"
_NAME = re.compile(r"[A-Za-z_-]{1,40}")
_FEW = 3
"""Unknown fields that are named."""

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")

_EXAMPLE = {
    "generation": "5f0c2a9e4b1d7788",
    "answers": [
        {
            "query": "cats/cat-1.jpg",
            "descriptor": "hsv",
            "metric": "chi2",
            "meaning": "0 = the same colors, 1 = no color in common",
            "identical": 0,
            "generation": "5f0c2a9e4b1d7788",
            "results": [
                {
                    "rank": 1,
                    "path": "cats/cat-2.jpg",
                    "distance": 0.1834,
                    "verification": {
                        "inliers": 34,
                        "score": 21.7,
                        "same": True,
                        "transform": [[0.5, 0.0, 80.0], [0.0, 0.5, 60.0], [0.0, 0.0, 1.0]],
                        "box": [80, 60, 320, 214],
                        "quadrilateral": [[80, 60], [400, 60], [400, 273.5], [80, 273.5]],
                        "query_box": [0, 0, 640, 427],
                    },
                    "sha256": "3f…",
                    "width": 640,
                    "height": 427,
                    "image": "/api/images/cats/cat-2.jpg",
                    "page": "/image/cats/cat-2.jpg",
                    "thumbnail": "/api/thumbnails/cats/cat-2.jpg?size=320&version=1f0a",
                }
            ],
        }
    ],
}

_ANSWERS: dict[int | str, dict[str, Any]] = {
    **ANY_ROUTE,
    200: {
        "description": "One answer for each image, in the order of paths, keys and images.",
        "content": {"application/json": {"example": _EXAMPLE}},
    },
    404: problem("The index has no such image, or one from outside is not kept any more."),
    413: problem("The request is too large."),
}
_ANSWERS_TO_FORMS = {**_ANSWERS, 415: problem("The body is not a form.")}


class Asked(SearchForm):
    """A search for images of the index, or for images from outside that are kept."""

    path: list[str] = Field([], description="Images of the index.")
    together: bool = Field(False, description="One answer, for all images together.")
    query: list[str] = Field([], description="Images that were uploaded before, by their SHA-256.")


class Upload(Asked):
    """A search that brings images along."""

    image: list[UploadFile] = Field([], description="Image files.")

    @model_validator(mode="before")
    @classmethod
    def _only_known(cls, fields: Any) -> Any:
        # The body may be the file itself: then these are no names.
        unknown = set(fields) - set(cls.model_fields) if isinstance(fields, Mapping) else ()
        if unknown:
            plain = sorted(name for name in unknown if _NAME.fullmatch(name))[:_FEW]
            names = ", ".join(plain) if len(plain) == len(unknown) else "the body"
            raise PydanticCustomError("unknown_field", f"{names}: {_UNKNOWN}")
        return fields


@router.get("/api/search", name="search_for", responses=_ANSWERS)
async def search_for(
    service: Service, request: Request, asked: Annotated[Asked, Query()]
) -> dict[str, Any]:
    """Find the images most like others that the server knows."""
    # The framework replaces the bytes of paths that are not UTF-8.
    fields = query_string.parsed(request.scope["query_string"])
    paths = {each: [value for name, value in fields if name == each] for each in query_string.PATHS}
    return await _answered(service, asked.model_copy(update=paths), [])


@router.post("/api/search", name="search", responses=_ANSWERS_TO_FORMS)
async def search(
    service: Service,
    request: Request,
    asked: Annotated[Upload, Form(media_type="multipart/form-data")],
) -> dict[str, Any]:
    """Find the images most like others: image files, or images of the index."""
    query_string.refuse(request.scope["query_string"])
    kind = request.headers.get("content-type", "")
    if kind and not kind.lower().startswith(_FORMS):
        raise HTTPException(415, f"the body is not a form; {_WANTED}")
    return await _answered(service, asked, [await image.read() for image in asked.image])


async def _answered(service: ServiceState, asked: Asked, uploads: list[bytes]) -> dict[str, Any]:
    index = service.index
    queries = [
        *(partial(answers.indexed_query, path) for path in asked.path),
        *(partial(answers.kept_query, service, key) for key in asked.query),
        *(partial(answers.uploaded_query, service, data) for data in uploads),
    ]
    if not queries and not asked.like:
        raise UsageError(f"give an image: of the index, as `path`; {_WANTED}")
    if asked.together and len(queries) < 2:
        raise UsageError("together is for several images; give two or more, or leave it out")
    if len(queries) > service.settings.max_queries:
        raise UsageError(f"one search is about up to {service.settings.max_queries} images")
    searches = [queries] if asked.together or not queries else [[query] for query in queries]
    check_work(asked, len(searches[0]), len(searches))
    found = await asyncio.gather(
        *(service.pool.run(answers.answer, service, index, some, asked) for some in searches)
    )
    return {"generation": index.generation, "answers": found}
