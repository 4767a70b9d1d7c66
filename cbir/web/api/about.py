"""``/api/info``, ``/api/facets``, ``/healthz``, ``/metrics``: what the server serves, and how."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cbir.core.version import __version__
from cbir.search.engine import Index
from cbir.web.problems import ANY_ROUTE, example
from cbir.web.search_form import Text, names_of
from cbir.web.service import Service, ServiceState

router = APIRouter(tags=["about"])

_PROMETHEUS = "text/plain; version=1.0.0; charset=utf-8"

_METRICS = 'cbir_requests_total{method="GET",route="/healthz",status="200"} 1.0'

_INFO = {
    "version": "1.0",
    "generation": "5f0c2a9e4b1d7788",
    "images": 103,
    "descriptors": [
        {
            "alias": "hsv",
            "metric": "chi2",
            "meaning": "0 = the same colors, 1 = no color in common",
        }
    ],
    "presets": ["fast"],
    "columns": {"kind": "category", "price": "number"},
    "changes": False,
    "change_token": None,
    "url_hosts": [],
    "limits": {"upload": 32000000, "pixels": 64000000, "queries": 16},
}

_FACETS = {
    "generation": "5f0c2a9e4b1d7788",
    "facets": {"kind": [{"value": "cats", "count": 12}, {"value": None, "count": 3}]},
}

_MOST_VALUES = 1000
"""Values of a column that are told; the rarest are left out."""


@router.get("/api/info", name="get_info", responses={**ANY_ROUTE, 200: example(_INFO)})
async def info(service: Service) -> dict[str, Any]:
    """Say what the index holds, and what the server allows."""
    return await service.pool.run(_info, service)


class Counted(BaseModel):
    """Which values are counted."""

    model_config = ConfigDict(extra="forbid")

    columns: Text = Field(None, description="All columns of categories unless told.")
    where: Text = Field(None, description="An SQL condition on metadata.")
    limit: int = Field(50, ge=1, le=_MOST_VALUES, description="How many values of each to tell.")


@router.get("/api/facets", name="count_facets", responses={**ANY_ROUTE, 200: example(_FACETS)})
async def facets(service: Service, asked: Annotated[Counted, Query()]) -> dict[str, Any]:
    """Count the values of columns among the images for which a condition holds."""
    return await service.pool.run(_facets, service.index, asked)


@router.get("/healthz", name="get_health", responses={200: example({"status": "ok"})})
async def healthz(service: Service) -> dict[str, str]:
    """Say that the server is there, and whether it serves what is newest."""
    return {"status": "stale" if service.served.failure else "ok"}


@router.get(
    "/metrics",
    name="get_metrics",
    response_class=Response,
    responses={**ANY_ROUTE, 200: {"content": {_PROMETHEUS: {"example": _METRICS}}}},
)
async def metrics(service: Service) -> Response:
    """Return counts of requests and jobs, as Prometheus reads them."""
    return Response(await service.pool.run(_metrics, service), media_type=_PROMETHEUS)


def _info(service: ServiceState) -> dict[str, Any]:
    index, settings = service.index, service.settings
    searchers = {alias: index.single_searcher(alias) for alias in index.descriptors}
    return {
        "version": __version__,
        "generation": index.generation,
        "images": len(index),
        "descriptors": [
            {"alias": alias, "metric": one.metric_name, "meaning": one.meaning}
            for alias, one in searchers.items()
        ],
        "presets": index.presets,
        "columns": index.columns,
        "changes": settings.allow_changes,
        "change_token": service.tokens.change_token if settings.allow_changes else None,
        "url_hosts": list(settings.url_hosts),
        "limits": {
            "upload": settings.max_upload,
            "pixels": settings.max_pixels,
            "queries": settings.max_queries,
        },
    }


def _facets(index: Index, asked: Counted) -> dict[str, Any]:
    return {"generation": index.generation, "facets": counted(index, asked)}


def counted(index: Index, asked: Counted) -> dict[str, Any]:
    """Return the values of columns with their counts, the most frequent first, for JSON."""
    names = names_of(asked.columns) or category_columns(index)
    counts = index.catalog.facets(names, asked.where)
    return {
        name: [
            {"value": value, "count": count} for value, count in list(values.items())[: asked.limit]
        ]
        for name, values in counts.items()
    }


def category_columns(index: Index) -> tuple[str, ...]:
    """Return the columns of metadata that have few values."""
    return tuple(name for name, kind in index.columns.items() if kind == "category")


def _metrics(service: ServiceState) -> bytes:
    from prometheus_client.metrics_core import GaugeMetricFamily

    images = GaugeMetricFamily("cbir_images", "Images of the index.", len(service.index))
    running = GaugeMetricFamily(
        "cbir_calls", "Calls that run or wait for a thread.", service.pool.running
    )
    jobs = GaugeMetricFamily("cbir_jobs", "Jobs that are remembered.", labels=["kind", "state"])
    states: dict[tuple[str, str], int] = {}
    for job in service.jobs.all():
        states[job.kind, job.state] = states.get((job.kind, job.state), 0) + 1
    for labels, count in states.items():
        jobs.add_metric(labels, count)
    return service.traffic.text([images, running, jobs])
