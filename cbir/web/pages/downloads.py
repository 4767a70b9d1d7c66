"""``/search/results.csv`` and ``.json``: results as files, as the command line prints them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from cbir.core.csv_lines import csv_lines
from cbir.core.errors import UsageError
from cbir.search.result_rows import result_columns, result_rows
from cbir.search.results import SearchResult
from cbir.web import answers
from cbir.web.pages.search import make_queries
from cbir.web.query_string import parsed
from cbir.web.search_address import SEARCH, SearchAddress
from cbir.web.search_form import names_of
from cbir.web.service import Service, ServiceState

router = APIRouter(include_in_schema=False)


@router.get(f"{SEARCH}/results.csv")
async def results_csv(service: Service, request: Request) -> Response:
    """Return the results of a search as CSV."""
    data = await service.pool.run(_file, service, _asked(request), _csv)
    return _download(data, "text/csv; charset=utf-8", "results.csv")


@router.get(f"{SEARCH}/results.json")
async def results_json(service: Service, request: Request) -> Response:
    """Return the results of a search as JSON."""
    data = await service.pool.run(_file, service, _asked(request), _json)
    return _download(data, "application/json", "results.json")


def _asked(request: Request) -> SearchAddress:
    asked = SearchAddress.of(parsed(request.scope["query_string"]))
    if not asked.has_image:
        raise UsageError("give an image: a path of the index, or the key of one from outside")
    return asked


def _file(
    service: ServiceState, asked: SearchAddress, write: Callable[[SearchResult, SearchAddress], str]
) -> bytes:
    index = service.index
    queries = [make() for make in make_queries(service, asked)]
    found = answers.result_of(service, index, queries, asked.asked())
    matches = found.matches[asked.form.offset :]
    named = tuple(replace(match, shown=index.path_in_dataset(match)) for match in matches)
    return write(replace(found, matches=named), asked).encode()


def _csv(result: SearchResult, asked: SearchAddress) -> str:
    columns = names_of(asked.form.columns)
    return csv_lines([result_columns(columns), *result_rows(result, columns)])


def _json(result: SearchResult, _: SearchAddress) -> str:
    return json.dumps([result.to_dict()], ensure_ascii=False, indent=1) + "\n"


def _download(data: bytes, media_type: str, name: str) -> Response:
    return Response(
        data,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
