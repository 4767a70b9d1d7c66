"""``/evaluation``: stored evaluations as tables and curves, and their worst queries with images."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cbir.core.errors import printable
from cbir.search.engine import Index
from cbir.web.addresses import quoted_path, thumbnail_url
from cbir.web.evaluations import BrokenEvaluationError, Evaluations
from cbir.web.rendering import render
from cbir.web.service import Service
from cbir.web.thumbnails import Size
from cbir.web.wording import told

if TYPE_CHECKING:
    from cbir.evaluation.stored_model import StoredEvaluation
    from cbir.reports.image_card import ImageCard

router = APIRouter(include_in_schema=False)

_MOST_COMPARED = 20
_MOST_QUERIES = 100


class Shown(BaseModel):
    """Which evaluations are shown, and what of them."""

    model_config = ConfigDict(extra="forbid")

    file: list[str] = Field([], max_length=_MOST_COMPARED)
    run: int = Field(1, ge=1)
    worst: int = Field(10, ge=1, le=_MOST_QUERIES)
    compare: bool = False


@router.get("/evaluation")
async def evaluation(
    service: Service, request: Request, asked: Annotated[Shown, Query()]
) -> Response:
    """Show the list of the stored evaluations, one of them, or several side by side."""
    names = list(dict.fromkeys(asked.file))
    if not names:
        listed = await service.pool.run(service.evaluations.listed)
        index = _named(service.settings.index)
        none_chosen = asked.compare
        return render(
            request, "evaluations", listed=listed, command_index=index, none_chosen=none_chosen
        )
    if len(names) == 1:
        values = await service.pool.run(_one, service.evaluations, service.index, names[0], asked)
        return render(request, "stored_evaluation", asked=asked, **values)
    values = await service.pool.run(_several, service.evaluations, names)
    return render(request, "compared_evaluations", **values)


def _one(evaluations: Evaluations, index: Index, name: str, asked: Shown) -> dict[str, Any]:
    """Return what the page about one evaluation shows."""
    from cbir.reports.evaluation_view import evaluation_view

    stored = evaluations.get(name).stored
    run = min(asked.run, max(1, len(stored.runs)))
    return {
        "view": evaluation_view(
            stored,
            lambda path: _card(index, path),
            _outside_card,
            worst=asked.worst,
            only=run - 1,
        ),
        "runs": [one.title for one in stored.runs],
        "run": run,
        "most": min(_MOST_QUERIES, max((len(one.worst) for one in stored.runs), default=0)),
    }


def _several(evaluations: Evaluations, names: list[str]) -> dict[str, Any]:
    """Return what the page about several evaluations shows; those that are broken are told."""
    from cbir.reports.comparison_view import comparison_view

    stored: list[StoredEvaluation] = []
    problems: list[str] = []
    for name in names:
        try:
            stored.append(evaluations.get(name).stored)
        except BrokenEvaluationError as error:
            problems.append(told(error))
    return {
        "view": comparison_view(stored),
        "links": [(one.name, f"/evaluation?{urlencode({'file': one.name})}") for one in stored],
        "problems": problems,
    }


def _card(index: Index, path: str) -> ImageCard:
    """Return the card of an image by its path in the index; nothing else is looked at."""
    from cbir.reports.image_card import ImageCard

    entry = index.catalog.find(path)
    names = printable(os.path.basename(path)), printable(path)
    if entry is None:
        return ImageCard(*names, "", failure="not in the index")
    quoted = quoted_path(path)
    return ImageCard(
        *names,
        f"/image/{quoted}",
        thumbnail=thumbnail_url(entry, Size.GRID),
        search_url=f"/search?path={quoted}",
    )


def _outside_card(path: str) -> ImageCard:
    """Return the card of a query that is no image of the dataset: its name, and no image."""
    from cbir.reports.image_card import ImageCard

    return ImageCard(
        printable(os.path.basename(path)), printable(path), "", failure="not in the dataset"
    )


def _named(index: str) -> str:
    """Return the index for a command to paste; a folder that is not its reader's is not told."""
    return shlex.quote(os.path.basename(index) if os.path.isabs(index) else index)
