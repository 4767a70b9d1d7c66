"""``/search``: what is like an image, and the form by which one is brought along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile

from cbir.core.errors import CbirError, UnreadableImageError, UsageError, printable
from cbir.search.engine import Index
from cbir.web import answers
from cbir.web.answers import Query
from cbir.web.page_comparison import with_usual_comparison
from cbir.web.pages.facets import check_typed, why_no_filters
from cbir.web.pages.panel import Panel, panel_of
from cbir.web.pages.panel_form import ABOUT, address_fields
from cbir.web.pages.query_view import QueryView, query_view
from cbir.web.pages.result_cards import ResultCard, result_cards
from cbir.web.pages.stage_fields import stage_chips
from cbir.web.problems import status_of
from cbir.web.query_string import parsed
from cbir.web.rendering import render
from cbir.web.search_address import MARKS, SEARCH, SearchAddress
from cbir.web.search_form import MOST_RESULTS, SearchForm
from cbir.web.service import Service, ServiceState
from cbir.web.wording import told

router = APIRouter(include_in_schema=False)

DOWNLOADED = 1000
"""Results that a download has, unless its address says otherwise."""

_MOST_FIELDS = 20
"""Of a form that brings an image along."""


@dataclass(frozen=True, slots=True)
class SearchView:
    """What the page of a search shows.

    Attributes
    ----------
    address : SearchAddress
    panel : Panel
    query : QueryView or None
        The image, if there is one.
    answer : dict or None
        As the API gives it.
    cards : list of ResultCard
    nothing : str
        Why nothing was found, if so.
    problem : str
        What is wrong, in words.
    status : int
    """

    address: SearchAddress
    panel: Panel
    query: QueryView | None = None
    answer: dict[str, Any] | None = None
    cards: tuple[ResultCard, ...] = ()
    nothing: str = ""
    problem: str = ""
    status: int = 200

    @property
    def has_more(self) -> bool:
        """Whether further results may follow."""
        form = self.address.form
        return len(self.cards) == form.top and form.offset + 2 * form.top <= MOST_RESULTS

    @property
    def next_url(self) -> str:
        """The address of the results that follow."""
        form = self.address.form
        return self.address.url(offset=form.offset + form.top)

    @property
    def chips(self) -> list[tuple[str, str]]:
        """What each filter says, and the address without it."""
        first = self.address.form.model_copy(update={"offset": 0})
        return [
            (text, replace(self.address, form=first, filters=rest).url())
            for text, rest in self.address.filters.each()
        ]

    @property
    def notes(self) -> list[str]:
        """What is to be known of the images that are searched by."""
        notes = (self.answer or {}).get("notes", [])
        key = self.address.query
        return [note.replace(key, "your image", 1) if key else note for note in notes]

    @property
    def stages(self) -> list[tuple[str, str]]:
        """What is done beside comparing, in words, and the address without it."""
        first = replace(self.address, form=self.address.form.model_copy(update={"offset": 0}))
        return [(text, first.url(SEARCH, **{name: None})) for name, text in stage_chips(first.form)]

    @property
    def marks(self) -> list[tuple[str, str, str]]:
        """What results are to be like and unlike: which, the image, and the address without it."""
        return [
            (mark, path, self.address.marked(path, None))
            for mark in MARKS
            for path in getattr(self.address.form, mark)
        ]

    def download_url(self, kind: str) -> str:
        """Return the address of a file with the results."""
        top = max(DOWNLOADED, self.address.form.top)
        return self.address.url(f"{SEARCH}/results.{kind}", offset=0, top=top)


@router.get(SEARCH)
async def search_page(service: Service, request: Request) -> Response:
    """Show what is like an image."""
    index = service.index
    try:
        pairs = parsed(request.scope["query_string"])
        if any(name == ABOUT for name, _ in pairs):
            return RedirectResponse(SearchAddress.of(address_fields(pairs, index)).url(), 303)
        given = SearchAddress.of(pairs)
    except UsageError as error:
        return await _refused(service, request, index, error)
    asked = with_usual_comparison(given, index)
    if asked != given and asked.has_image:
        return RedirectResponse(asked.url(), 303)
    return _shown(request, await service.pool.run(_view, service, index, asked))


@router.post(SEARCH)
async def search_by_upload(service: Service, request: Request) -> Response:
    """Keep the images that are brought along, and lead to the search for the first."""
    index = service.index
    most = service.settings.max_queries
    async with request.form(max_files=most, max_fields=_MOST_FIELDS) as form:
        try:
            asked = SearchAddress.of(parsed(_field(form, "state").encode()))
            keys = await _kept(service, form)
        except CbirError as error:
            return await _refused(service, request, index, error)
    first, *others = dict.fromkeys(keys)
    found = replace(asked, path=None, query=first, also=tuple(others))
    return RedirectResponse(with_usual_comparison(found, index).url(), 303)


async def _kept(service: ServiceState, form: FormData) -> list[str]:
    """Keep all images of a form; return their keys."""
    files = [file for file in form.getlist("image") if isinstance(file, UploadFile) and file.size]
    keys = [
        await service.pool.run(_keep, service, await file.read(), _name(file)) for file in files
    ]
    if url := _field(form, "url").strip():
        data = await service.fetches.run(_fetched, service, url)
        keys.append(await service.pool.run(_keep, service, data, "the image at this address"))
    if not keys:
        raise UsageError("choose an image first")
    return keys


def _keep(service: ServiceState, data: bytes, name: str) -> str:
    try:
        return service.queries.add(data)
    except UnreadableImageError as error:
        raise UnreadableImageError(name, error.reason) from None


def _fetched(service: ServiceState, url: str) -> bytes:
    from cbir.web.security.remote_image import fetch_image  # few servers may

    limits = service.settings
    return fetch_image(
        url, service.remote_hosts, max_bytes=limits.max_upload, timeout=limits.time_limit / 2
    )


def _name(file: UploadFile) -> str:
    return printable(file.filename or "")[:80] or "your image"


def _field(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


async def _refused(
    service: ServiceState, request: Request, index: Index, error: CbirError
) -> Response:
    """Show the form of the search with what is wrong."""

    def view() -> SearchView:
        asked = with_usual_comparison(SearchAddress(), index)
        panel = panel_of(index, asked.form, asked.filters)
        return SearchView(asked, panel, problem=told(error), status=status_of(error))

    return _shown(request, await service.pool.run(view))


def _shown(request: Request, view: SearchView) -> Response:
    return render(request, "search", view.status, view=view, why_no_filters=why_no_filters())


def _view(service: ServiceState, index: Index, asked: SearchAddress) -> SearchView:
    panel = panel_of(index, asked.form, asked.filters)
    if not asked.has_image:
        return SearchView(asked, panel)
    query = None
    try:
        query = query_view(service, index, asked)
        check_typed(index, asked.filters)
        answer = answers.answer(service, index, make_queries(service, asked), asked.asked())
    except CbirError as error:
        return SearchView(asked, panel, query, problem=told(error), status=status_of(error))
    cards = result_cards(answer, query, asked)
    return SearchView(asked, panel, query, answer, cards, _why_nothing(index, asked.asked(), cards))


def make_queries(service: ServiceState, asked: SearchAddress) -> list[Callable[[], Query]]:
    """Return what returns the query of a search, if it has one."""
    if asked.path is not None:
        return [partial(answers.indexed_query, asked.path)]
    if asked.query is not None:
        return [partial(answers.kept_query, service, asked.query)]
    return []


def _why_nothing(index: Index, form: SearchForm, cards: tuple[ResultCard, ...]) -> str:
    """Return why nothing was found, if so."""
    if cards:
        return ""
    if form.offset:
        return "These were all."
    if form.where is not None and not index.matching(form.where).any():
        return f"No image fulfills the filters: {index.about_nothing(form.where)}."
    return "Nothing was found."
