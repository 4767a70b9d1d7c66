"""What all routes share: the index, what works on it, and what is kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request

from cbir.core.errors import CbirError
from cbir.core.lru_cache import LruCache
from cbir.search.engine import Index
from cbir.web.blob_cache import BlobCache
from cbir.web.duplicate_searches import DuplicateSearches
from cbir.web.evaluations import Evaluations
from cbir.web.file_changes import FileChanges
from cbir.web.image_files import ImageFiles
from cbir.web.jobs import Jobs
from cbir.web.kept_queries import KeptQueries
from cbir.web.security.remote_hosts import RemoteHosts
from cbir.web.security.tokens import Tokens
from cbir.web.served_index import ServedIndex
from cbir.web.settings import WebSettings
from cbir.web.shown_plans import ShownPlans
from cbir.web.thumbnails import Thumbnails
from cbir.web.traffic import Traffic
from cbir.web.work_pool import WorkPool

_LOOK = 1.0
"""Seconds between two looks at whether another process has committed."""

_FETCHES = 3
"""Images that are fetched from other servers at a time."""

_WAITING_FETCHES = 6

_LOG = logging.getLogger(__name__)


class ServiceState:
    """What all routes share.

    Parameters
    ----------
    settings : WebSettings
    tokens : Tokens

    Attributes
    ----------
    settings : WebSettings
    tokens : Tokens
    remote_hosts : RemoteHosts
        Those from which images are fetched.
    served : ServedIndex
    pool : WorkPool
    fetches : WorkPool
        Its threads wait for other servers, so that those of `pool` need not.
    jobs : Jobs
    changes : FileChanges
    duplicates : DuplicateSearches
    plans : ShownPlans
        What was shown of what is to be done with duplicates.
    drawings : BlobCache
        What was drawn of images; thumbnails are among it.
    thumbnails : Thumbnails
    queries : KeptQueries
    answers : LruCache
        What searches found, by the generation of the index and what was asked.
    evaluations : Evaluations
    traffic : Traffic

    Raises
    ------
    CbirError
        When the index cannot be opened.
    """

    def __init__(self, settings: WebSettings, tokens: Tokens) -> None:
        self.settings = settings
        self.tokens = tokens
        self.remote_hosts = RemoteHosts(settings.url_hosts)
        self.served = ServedIndex(settings.index, settings.dataset)
        self.pool = WorkPool(settings.workers, settings.waiting, settings.time_limit)
        self.fetches = WorkPool(_FETCHES, _WAITING_FETCHES, settings.time_limit)
        self.jobs = Jobs()
        self.changes = FileChanges(self.served.store)
        self.duplicates = DuplicateSearches(self.jobs)
        self.plans = ShownPlans()
        folders = self.served.store.cache_folders
        self._caches = (
            BlobCache(folders, "thumbnails.sqlite", settings.cached_bytes),
            BlobCache(folders, "queries.sqlite", settings.query_bytes),
        )
        self.drawings = self._caches[0]
        self.thumbnails = Thumbnails(self.drawings)
        self.queries = KeptQueries(self._caches[1], settings.max_pixels)
        self.answers: LruCache[Any] = LruCache(settings.cached_answers)
        self.evaluations = Evaluations(settings.evaluations)
        self.traffic = Traffic()
        self._has_ended = False

    @property
    def index(self) -> Index:
        """The index as it was committed last; a request takes it once."""
        return self.served.current

    def files(self, index: Index) -> ImageFiles:
        """Return the files of the images of an index."""
        return ImageFiles(index, self.settings.follow_links)

    def stop_streams(self) -> None:
        """End answers that would go on for as long as something runs: the server is to end."""
        self.jobs.stop_streams()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the index while the server runs, and end what runs when it ends: once.

        Raises
        ------
        CbirError
            When it has ended before, and all is closed.
        """
        if self._has_ended:
            raise CbirError("this application has been ended; make another one by create_app()")
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._has_ended = True
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            await asyncio.to_thread(self.jobs.close, self.settings.grace)
            await asyncio.to_thread(self.fetches.close)
            await asyncio.to_thread(self.pool.close)
            for cache in self._caches:
                cache.close()
            self.served.close()

    async def _watch(self) -> None:
        told = None
        while True:
            await asyncio.sleep(_LOOK)
            try:
                await asyncio.to_thread(self.served.refresh)
            except Exception:  # whatever it is, the next commit may be sound
                _LOG.exception("The index could not be looked at")
            failure = self.served.failure
            if failure is not None and str(failure) != told:
                told = str(failure)
                _LOG.warning("The index so far is served, for the new one cannot be: %s", failure)


async def service_of(request: Request) -> ServiceState:
    """Return the state of the application that a request has come to."""
    state: ServiceState = request.app.state.service
    return state


Service = Annotated[ServiceState, Depends(service_of)]
"""The parameter by which a route gets it."""
