"""What a search finds, for people and programs: the numbers of the command line, and addresses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cbir.core.errors import UnreadableImageError, printable
from cbir.images.encoded_image import EncodedImage
from cbir.search.engine import Index
from cbir.search.request import IndexedImage, SearchRequest
from cbir.search.results import SearchResult, path_fields
from cbir.web.addresses import image_url, page_url, thumbnail_url
from cbir.web.image_files import NoSuchImageError
from cbir.web.search_form import SearchForm
from cbir.web.search_work import check_work
from cbir.web.service import ServiceState
from cbir.web.thumbnails import Size


@dataclass(frozen=True, slots=True)
class Query:
    """An image that is searched for.

    Attributes
    ----------
    key : str
        What tells it from others: a path of the index, or the SHA-256 of an image from outside.
    source : IndexedImage or EncodedImage
    """

    key: str
    source: IndexedImage | EncodedImage

    @property
    def indexed(self) -> bool:
        """Whether it is an image of the index."""
        return isinstance(self.source, IndexedImage)


def indexed_query(path: str) -> Query:
    """Return a search for an image of the index."""
    return Query(path, IndexedImage(path))


def kept_query(service: ServiceState, key: str) -> Query:
    """Return a search for an image from outside that is kept.

    Raises
    ------
    QueryGoneError
        When it is not.
    """
    return Query(key, service.queries.get(key))


def uploaded_query(service: ServiceState, data: bytes) -> Query:
    """Return a search for an image from outside, which is not kept.

    Raises
    ------
    UnreadableImageError
        When it is none, or has too many pixels.
    """
    return Query(hashlib.sha256(data).hexdigest(), service.queries.checked(data))


def answer(
    service: ServiceState,
    index: Index,
    make_queries: Sequence[Callable[[], Query]],
    form: SearchForm,
) -> dict[str, Any]:
    """Search for one image, or for several together; the answers to repeated questions are kept.

    Parameters
    ----------
    service : ServiceState
    index : Index
        The one that the request has taken.
    make_queries : sequence of callable
        Each returns a query; none, if it is enough what results are to be like.
    form : SearchForm

    Returns
    -------
    dict
        For JSON; not to be changed.

    Raises
    ------
    CbirError
        When the image cannot be read, or the search makes no sense.
    """
    queries = [make() for make in make_queries]
    keys = tuple((query.indexed, query.key) for query in queries)
    asked = (index.generation, keys, form.key())

    def make() -> dict[str, Any]:
        result = result_of(service, index, queries, form)
        return document_of(index, result, form.offset)

    return service.answers.get(asked, make)


def result_of(
    service: ServiceState, index: Index, queries: Sequence[Query], form: SearchForm
) -> SearchResult:
    """Search for one image, or for several together: all matches from the first.

    The images that are searched by are named by their keys, not by where they are.

    Raises
    ------
    CbirError
        As :func:`answer`.
    """
    options = form.options()
    check_work(form, len(queries))
    for mark in ("like", "unlike"):
        paths = getattr(form, mark)
        options[mark] = [_indexed(service, index, path, form.augment) for path in paths]
    is_decoded = form.augment or form.region is not None
    sources = [
        _indexed(service, index, query.key, is_decoded) if query.indexed else query.source
        for query in queries
    ]
    options["together"] = len(sources) > 1
    request = SearchRequest(sources, form.offset + form.top, **options)
    (result,) = index.answer(request)
    if isinstance(result, UnreadableImageError):
        raise result
    keys = tuple(query.key for query in queries)
    named = zip(result.several, (*keys, *form.like), strict=False)  # of one image there is none
    return replace(
        result,
        query=(keys or form.like)[0],
        together=keys if len(keys) > 1 else (),
        liked=tuple(form.like),
        unliked=tuple(form.unlike),
        several=tuple(replace(one, path=name) for one, name in named),
    )


def _indexed(service: ServiceState, index: Index, path: str, is_decoded: bool) -> IndexedImage:
    """Return an image of the index as a query, with its file if that is needed."""
    if index.catalog.find(path) is None:
        raise NoSuchImageError(f"{printable(path)}: the index has no such image")
    return IndexedImage(path, service.files(index).image(path) if is_decoded else None)


def document_of(index: Index, result: SearchResult, offset: int) -> dict[str, Any]:
    """Return a result for JSON: as the command line prints it, but with paths of the index.

    Parameters
    ----------
    index : Index
    result : SearchResult
    offset : int
        How many matches to leave out, from the first.
    """
    document = result.to_dict()
    found = document.pop("results")[offset:]
    return {
        **document,
        "meaning": result.meaning,
        "identical": result.identical,
        "generation": index.generation,
        "results": _matches(index, found, result, offset),
    }


def _matches(
    index: Index, found: Sequence[dict[str, Any]], result: SearchResult, offset: int
) -> list[dict[str, Any]]:
    paths = [index.path_in_dataset(match) for match in result.matches[offset:]]
    return [
        {
            **told,
            **path_fields("path", entry.path),
            "sha256": entry.sha256.hex(),
            "width": entry.width,
            "height": entry.height,
            "image": image_url(entry.path),
            "page": page_url(entry.path),
            "thumbnail": thumbnail_url(entry, Size.GRID),
        }
        for told, entry in zip(found, index.catalog.find_all(paths), strict=True)
    ]
