"""``/api/evaluations``: the stored evaluations that the server shows."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from cbir.web.evaluations import BestRun, EvaluationSummary, ListedEvaluation
from cbir.web.problems import ANY_ROUTE, problem
from cbir.web.service import Service, ServiceState

router = APIRouter(tags=["evaluations"])

_LIST = {
    "evaluations": [
        {
            "name": "kept",
            "truth": "folders",
            "protocol": "all",
            "where": None,
            "images": 103,
            "queries": 102,
            "runs": 2,
            "best": {
                "descriptor": "hsv",
                "metric": "chi2",
                "map": 0.47,
                "interval": [0.41, 0.53],
            },
            "document": "/api/evaluations/kept",
        },
        {"name": "other", "problem": "no such file or directory"},
    ]
}

_DOCUMENT = {
    "format": "cbir evaluation",
    "version": 1,
    "dataset": "photos",
    "runs": [{"descriptor": "hsv", "metric": "chi2", "map": 0.47, "worst": []}],
}


@router.get(
    "/api/evaluations",
    name="list_evaluations",
    responses={**ANY_ROUTE, 200: {"content": {"application/json": {"example": _LIST}}}},
)
async def evaluations(service: Service) -> dict[str, Any]:
    """List the stored evaluations; of a file that cannot be read, say why."""
    return {"evaluations": await service.pool.run(_listed, service)}


@router.get(
    "/api/evaluations/{name}",
    name="get_evaluation",
    response_class=Response,
    responses={
        **ANY_ROUTE,
        200: {
            "description": "The document, as `cbir evaluate` saved it.",
            "content": {"application/json": {"example": _DOCUMENT}},
        },
        404: problem("The server shows no evaluation of this name."),
        503: problem("Its file is missing or damaged, or it took too long."),
    },
)
async def evaluation(service: Service, name: str) -> Response:
    """Return a stored evaluation."""
    read = await service.pool.run(service.evaluations.get, name)
    return Response(read.document, media_type="application/json")


def _listed(service: ServiceState) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "problem": one.problem}
        if one.summary is None
        else {**_told(one, one.summary), "document": f"/api/evaluations/{quote(one.name, safe='')}"}
        for one in service.evaluations.listed()
    ]


def _told(listed: ListedEvaluation, summary: EvaluationSummary) -> dict[str, Any]:
    return {
        "name": listed.name,
        "truth": summary.truth,
        "protocol": summary.protocol,
        "where": summary.where,
        "images": summary.images,
        "queries": summary.queries,
        "runs": summary.runs,
        "best": None if summary.best is None else _best(summary.best),
    }


def _best(best: BestRun) -> dict[str, Any]:
    return {
        "descriptor": best.descriptor,
        "metric": best.metric,
        "map": _or_none(best.map),
        "interval": [_or_none(end) for end in best.interval],
    }


def _or_none(value: float) -> float | None:
    """Return a number for JSON, which has none for what is not measured."""
    return value if value == value else None
