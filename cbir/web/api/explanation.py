"""``/api/explanation``: what a result has in common with an image, drawn."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from cbir.core.errors import UsageError
from cbir.search.engine import Index
from cbir.web import answers, query_string
from cbir.web.explanations import MEDIA_TYPE, Explanation, Pair
from cbir.web.problems import ANY_ROUTE, problem
from cbir.web.search_form import Text
from cbir.web.service import Service, ServiceState

router = APIRouter(tags=["search"])

_ASK_AGAIN = "private, no-cache"

_ANSWERS: dict[int | str, dict[str, Any]] = {
    **ANY_ROUTE,
    200: {
        "description": "The image that is searched for at the left, the result at the right; lines"
        " lead from features to those that match, and what was found is framed.",
        "content": {MEDIA_TYPE: {}},
    },
    404: problem("The index has no such image, or one from outside is not kept any more."),
    410: problem("The file is not there any more, or not what was indexed."),
}
_ANSWERS_TO_FORMS = {**_ANSWERS, 413: problem("The request is too large."),
                     415: problem("The body is not a form.")}  # fmt: skip


class Options(BaseModel):
    """Which image of the index is compared, and how."""

    model_config = ConfigDict(extra="forbid")

    result: str = Field(description="The image of the index that was found.")
    region: Text = Field(
        None, description="The part of the image that was searched for, as a search takes it."
    )
    descriptor: Text = Field(
        None, description="What was searched by: if it has local features, they are compared."
    )
    preset: Text = Field(None, description="The same, of a search by a preset.")


class Asked(Options):
    """An image that the server knows, and one of the index."""

    path: str | None = Field(None, description="An image of the index that was searched for.")
    query: str | None = Field(None, description="Or one that was uploaded before, by its SHA-256.")


class Upload(Options):
    """An image file, and an image of the index."""

    image: UploadFile = Field(description="The image file that was searched for.")


@router.get("/api/explanation", name="explain", response_class=Response, responses=_ANSWERS)
async def explain(service: Service, request: Request, asked: Annotated[Asked, Query()]) -> Response:
    """Draw what an image of the index has in common with another one that the server knows."""
    # The framework replaces the bytes of paths that are not UTF-8.
    fields = dict(query_string.parsed(request.scope["query_string"]))
    paths: dict[str, str] = {name: fields[name] for name in ("path", "result") if name in fields}
    index = service.index
    given = asked.model_copy(update=paths)
    explanation = await service.pool.run(_of_known, service, index, given)
    tag = f'"{explanation.key[:32]}"'
    headers = {"ETag": tag, "Cache-Control": _ASK_AGAIN}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    data = await service.pool.run(explanation.image)
    return Response(data, media_type=MEDIA_TYPE, headers=headers)


@router.post(
    "/api/explanation",
    name="explain_upload",
    response_class=Response,
    responses=_ANSWERS_TO_FORMS,
)
async def explain_upload(
    service: Service,
    request: Request,
    asked: Annotated[Upload, Form(media_type="multipart/form-data")],
) -> Response:
    """Draw what an image of the index has in common with an image file."""
    query_string.refuse(request.scope["query_string"])
    data = await service.pool.run(
        _of_upload, service, service.index, asked, await asked.image.read()
    )
    return Response(data, media_type=MEDIA_TYPE, headers={"Cache-Control": _ASK_AGAIN})


def _of_known(service: ServiceState, index: Index, asked: Asked) -> Explanation:
    if (asked.path is None) == (asked.query is None):
        raise UsageError("give the image that was searched for, as path or as query")
    query = (
        answers.indexed_query(asked.path)
        if asked.path is not None
        else answers.kept_query(service, asked.query or "")
    )
    return Explanation(service, index, _pair(query, asked))


def _of_upload(service: ServiceState, index: Index, asked: Upload, data: bytes) -> bytes:
    query = answers.uploaded_query(service, data)
    return Explanation(service, index, _pair(query, asked)).image()


def _pair(query: answers.Query, asked: Options) -> Pair:
    return Pair(query, asked.result, asked.region, asked.descriptor, asked.preset)
