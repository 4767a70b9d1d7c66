"""What went wrong, as answers with a status and a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from cbir.core.errors import (
    BrokenIndexError,
    CbirError,
    IncompleteIndexError,
    NoSpaceError,
    NoWritingError,
    UnreadableImageError,
    UsageError,
    printable,
)
from cbir.core.folder_locks import FoldersInUseError
from cbir.core.real_paths import UnsteadyPathError
from cbir.web.changes_allowed import StaleFormError
from cbir.web.dataset_changes import ChangeRefusedError, NoSuchChangeError
from cbir.web.evaluations import BrokenEvaluationError, NoSuchEvaluationError
from cbir.web.image_files import ImageGoneError, NoSuchImageError
from cbir.web.kept_queries import QueryGoneError
from cbir.web.rendering import render
from cbir.web.shown_plans import PlanGoneError
from cbir.web.wording import told
from cbir.web.work_pool import BusyError, TookTooLongError

_STATUS: Mapping[type[CbirError], int] = {
    ChangeRefusedError: 409,
    FoldersInUseError: 409,
    IncompleteIndexError: 409,
    NoSuchChangeError: 404,
    PlanGoneError: 404,
    NoSuchImageError: 404,
    ImageGoneError: 410,
    QueryGoneError: 404,
    NoSuchEvaluationError: 404,
    BrokenEvaluationError: 503,
    UnsteadyPathError: 409,
    NoSpaceError: 507,
    NoWritingError: 409,
    UnreadableImageError: 422,
    UsageError: 422,
    BrokenIndexError: 503,
    CbirError: 422,
}
"""By the nearest class of an error."""

_UNKNOWN = "there is no such field"

PROBLEM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "detail": {"type": "string", "description": "What is wrong, and what helps."},
        "errors": {
            "type": "array",
            "description": "Which fields of the request are wrong, where that is known.",
            "items": {
                "type": "object",
                "properties": {
                    "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "msg": {"type": "string"},
                    "type": {"type": "string"},
                },
                "required": ["loc", "msg", "type"],
            },
        },
    },
    "required": ["detail"],
}


def problem(description: str) -> dict[str, Any]:
    """Return what OpenAPI says of an answer that tells what is wrong."""
    return {"description": description, "content": {"application/json": {"schema": PROBLEM}}}


def example(document: Any, description: str = "") -> dict[str, Any]:
    """Return what OpenAPI says of an answer by an example."""
    content = {"content": {"application/json": {"example": document}}}
    return {**content, "description": description} if description else content


JOB = {
    "id": "7f3c1d9a2b4e6f80",
    "kind": "update",
    "state": "running",
    "task": "describing images",
    "done": 40,
    "total": 103,
    "unit": "images",
    "notes": [],
    "error": "",
    "result": {},
}
"""A job, as an example."""

ANY_ROUTE: dict[int | str, dict[str, Any]] = {
    400: problem("The request is not what its headers say, or is cut off."),
    422: problem("What was asked makes no sense, or an image cannot be read."),
    429: problem("Too much is asked at once; try again after the seconds of Retry-After."),
    503: problem("It took too long, or the index cannot be read."),
}
"""Answers that any route may give."""


_MOST_FAULTS = 5
_DEEPEST = 8
"""Steps to the place of a fault."""

_LONGEST = 200
"""Characters of a step, or of what is wrong there."""


def status_of(error: CbirError) -> int:
    """Return the status of the answer to a request that an error ended."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def add_handlers(app: FastAPI) -> None:
    """Let an application answer with a status and a reason when something is wrong."""
    app.add_exception_handler(CbirError, _explained)
    app.add_exception_handler(StaleFormError, _stale)
    app.add_exception_handler(BusyError, _busy)
    app.add_exception_handler(TookTooLongError, _late)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _misunderstood)


async def _explained(request: Request, error: Exception) -> Response:
    assert isinstance(error, CbirError)
    return _answer(request, told(error), status_of(error))


async def _stale(request: Request, error: Exception) -> Response:
    """Lead people back to the page whose form does not hold any more."""
    reason = str(error)
    if _is_program(request):
        return _answer(request, reason, 403)
    sentence = f"{reason[:1].upper()}{reason[1:]}."
    back = _page_of_form(request)
    return render(request, "problem", 403, heading="Once more", reason=sentence, back=back)


def _page_of_form(request: Request) -> str:
    """Return the page that has the form for what changes something."""
    first, _, rest = request.scope["raw_path"].decode("latin-1").strip("/").partition("/")
    page = f"/image/{rest}" if first == "remove" else f"/{first}"
    before = urlsplit(request.headers.get("referer", ""))
    return f"{page}?{before.query}" if before.query and before.path == page else page


async def _busy(request: Request, _: Exception) -> Response:
    return _answer(request, "too much is asked at once; try again", 429, BusyError.retry_after)


async def _late(request: Request, _: Exception) -> Response:
    return _answer(request, "it took too long", 503, TookTooLongError.retry_after)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(request, str(error.detail), error.status_code)


async def _misunderstood(request: Request, error: Exception) -> Response:
    """Tell a few of the faults, each in short: what was sent may be long, and wrong throughout."""
    assert isinstance(error, RequestValidationError)
    errors = [_fault(one) for one in error.errors()[:_MOST_FAULTS]]
    return _answer(request, "; ".join(map(_in_words, errors)), 422, errors=errors)


def _in_words(error: Mapping[str, Any]) -> str:
    place = ".".join(printable(str(part)) for part in error["loc"][1:])
    reason = _UNKNOWN if error["type"] == "extra_forbidden" else error["msg"]
    return f"{place}: {reason}" if place else reason


def _fault(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is wrong and where, without what was sent."""
    places = [one if isinstance(one, int) else _short(str(one)) for one in error["loc"]]
    return {"type": error["type"], "loc": places[:_DEEPEST], "msg": _short(str(error["msg"]))}


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _is_program(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _answer(
    request: Request,
    reason: str,
    status: int,
    retry_after: int | None = None,
    errors: Sequence[Mapping[str, Any]] = (),
) -> Response:
    """Return what is wrong: as JSON to programs, as a page to people."""
    if _is_program(request):
        answer: Response = JSONResponse(
            {"detail": reason, **({"errors": errors} if errors else {})}, status
        )
    else:
        answer = render(
            request, "problem", status, heading=HTTPStatus(status).phrase, reason=reason
        )
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer
