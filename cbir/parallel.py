"""Work on several threads at once, with results in order and memory bounded.

Threads, not processes: decoding, hashing and the array operations of the descriptors release the
GIL, nothing has to be pickled or imported again, and a thousand small pictures are done before
new processes would have started.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from cbir.core.checks import check_whole

T = TypeVar("T")
R = TypeVar("R")

_BATCH = 16
"""Items that a task takes, so that handing it over costs little beside doing it."""

_AHEAD = 4
"""Tasks a thread that may be finished or waiting before their turn."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads(workers: int | None) -> int:
    """Return how many threads to use: what was asked for, or as many as there are cores.

    Raises
    ------
    UsageError
        When less than one was asked for.
    """
    return cores() if workers is None else check_whole("workers", workers)


def ordered_map(
    function: Callable[[T], R], items: Iterable[T], workers: int, batch: int | None = None
) -> Iterator[R]:
    """Yield ``function(item)`` for each item, in order, computed by `workers` threads.

    Only a few results are held at any time. When the consumer stops, what has not begun is
    dropped.

    Parameters
    ----------
    function : callable
    items : iterable
    workers : int
        Threads.
    batch : int, optional
        Items that a task takes: one when each takes long; many, unless told otherwise.

    Examples
    --------
    >>> list(ordered_map(abs, [-1, -2, -3], workers=2))
    [1, 2, 3]
    """

    def run(some: list[T]) -> list[R]:
        return [function(item) for item in some]

    source = iter(items)
    pending: deque[Future[list[R]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="cbir") as pool:
        try:
            while some := list(islice(source, batch or _BATCH)):
                pending.append(pool.submit(run, some))
                if len(pending) > _AHEAD * workers:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Keep OpenCV and BLAS on one thread, while our own threads use the cores.

    Descriptions are made in it, always: on more threads, a matrix product rounds differently.
    """
    import cv2
    from threadpoolctl import threadpool_limits

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)
