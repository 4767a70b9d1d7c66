"""``/search/explanation``: what a result has in common with the image that was searched for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response

from cbir.core.errors import UsageError, printable
from cbir.search.engine import Index
from cbir.web import answers
from cbir.web.addresses import page_url
from cbir.web.explanations import Explanation, Pair
from cbir.web.query_string import address, parsed
from cbir.web.rendering import render
from cbir.web.search_address import EXAMPLE, EXPLANATION, RESULT, SearchAddress
from cbir.web.service import Service, ServiceState
from cbir.web.wording import matching_text

router = APIRouter(include_in_schema=False)

_FIELDS = (RESULT, EXAMPLE)
"""Those that are not of the search."""


@dataclass(frozen=True, slots=True)
class MatchingView:
    """What the page shows.

    Attributes
    ----------
    query, result : str
        What both images are called.
    result_page : str
        The address of the page about the result.
    image : str
        The address of what is drawn.
    words : str
        What was found.
    is_same, has_lines : bool
        Whether that is the same thing, and whether there is anything.
    """

    query: str
    result: str
    result_page: str
    image: str
    words: str
    is_same: bool
    has_lines: bool


@router.get(EXPLANATION)
async def explanation_page(service: Service, request: Request) -> Response:
    """Show what a result has in common with the image that was searched for."""
    pairs = parsed(request.scope["query_string"])
    results, examples = ([value for name, value in pairs if name == one] for one in _FIELDS)
    asked = SearchAddress.of([pair for pair in pairs if pair[0] not in _FIELDS])
    has_image = examples or asked.path is not None or asked.query is not None
    if len(results) != 1 or len(examples) > 1 or not has_image:
        raise UsageError("this page is about one image that was searched for, and one result")
    compared = _with_example(asked, examples[0]) if examples else asked
    view = await service.pool.run(_view, service, service.index, compared, results[0])
    return render(request, "matching", view=view, search=asked.url())


def _with_example(asked: SearchAddress, example: str) -> SearchAddress:
    """Return a search by what is liked: all of it, for a region is of another image."""
    form = asked.form.model_copy(update={"region": None})
    return replace(asked, form=form, path=example, query=None)


def _view(service: ServiceState, index: Index, asked: SearchAddress, result: str) -> MatchingView:
    form = asked.form
    query = (
        answers.indexed_query(asked.path)
        if asked.path is not None
        else answers.kept_query(service, asked.query or "")
    )
    pair = Pair(query, result, form.region, form.descriptor, form.preset)
    found = Explanation(service, index, pair).verification()
    return MatchingView(
        query="your image" if asked.path is None else printable(asked.path),
        result=printable(result),
        result_page=page_url(result),
        image=_image_url(asked, result),
        words=matching_text(found.inliers, found.is_same) if found else "",
        is_same=found is not None and found.is_same,
        has_lines=found is not None,
    )


def _image_url(asked: SearchAddress, result: str) -> str:
    form = asked.form
    fields = {
        "path": asked.path,
        "query": asked.query,
        RESULT: result,
        "region": form.region,
        "descriptor": form.descriptor,
        "preset": form.preset,
    }
    given = [(name, value) for name, value in fields.items() if value is not None]
    return address("/api/explanation", given)
