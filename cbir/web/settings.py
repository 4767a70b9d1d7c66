"""How an index is served, as whoever starts the server decides it."""

from __future__ import annotations

from dataclasses import dataclass, field

from cbir.core.threads import cores

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """How an index is served.

    Attributes
    ----------
    index : str
        The index file.
    dataset : str or None
        Where the images are now, if they have moved since they were indexed.
    allow_changes : bool
        Images may be added and removed, copies acted on, and the index updated.
    follow_links : bool
        Also images that links lead to, out of the dataset, are served.
    url_hosts : tuple of str
        Hosts from which addresses of images are fetched.
    evaluations : tuple of str
        Files of stored evaluations.
    include, exclude : tuple of str
        Shell patterns of what updates of the index take and leave.
    workers : int
        Threads that search, describe and make thumbnails.
    waiting : int
        Requests that may wait for one of them; further ones are refused for the time being.
    max_upload : int
        Bytes that a request may have.
    max_pixels : int
        Pixels that an image from outside may have.
    max_queries : int
        Images that one search may be about.
    grace : float
        Seconds that a job in the background may go on when the server is asked to end.
    time_limit : float
        Seconds that a request may take.
    cached_answers : int
        Searches whose answers are kept.
    cached_bytes : int
        Bytes of thumbnails that are kept.
    query_bytes : int
        Bytes of images from outside that are kept, so that the address of a search leads to it.
    """

    index: str
    dataset: str | None = None
    allow_changes: bool = False
    follow_links: bool = False
    url_hosts: tuple[str, ...] = ()
    evaluations: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    workers: int = field(default_factory=cores)
    waiting: int = 64
    max_upload: int = 32 * MEGABYTE
    max_pixels: int = 64_000_000
    max_queries: int = 16
    time_limit: float = 30.0
    grace: float = 20.0
    cached_answers: int = 1024
    cached_bytes: int = 2048 * MEGABYTE
    query_bytes: int = 256 * MEGABYTE
