"""A bounded number of threads that do the work of requests, and a bounded number that wait."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class BusyError(Exception):
    """There is more to do than may wait."""

    retry_after = 1
    """Seconds after which to try again."""


class TookTooLongError(Exception):
    """The work of a request was not done in time."""

    retry_after = 5
    """Seconds after which to try again."""


class WorkPool:
    """Threads for the work of requests.

    Parameters
    ----------
    workers : int
        Threads.
    waiting : int
        Calls that may wait for one of them.
    time_limit : float
        Seconds that a caller waits for its result.

    Attributes
    ----------
    running : int
        Calls that were taken and are not done, those included that nobody waits for any more.
    """

    def __init__(self, workers: int, waiting: int, time_limit: float) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="cbir-web")
        self._most = workers + waiting
        self._time_limit = time_limit
        self._lock = threading.Lock()
        self.running = 0

    async def run(self, function: Callable[..., T], *args: object) -> T:
        """Return what a function returns, called by one of the threads.

        Raises
        ------
        BusyError
            When too many calls wait already.
        TookTooLongError
            When it is not done in time. What has begun goes on, and keeps its place until it ends.
        """
        if self.running >= self._most:
            raise BusyError
        self._count(1)
        # Not by the event loop: its future would end when it is given up, and the thread would not.
        future = self._executor.submit(contextvars.copy_context().run, function, *args)
        future.add_done_callback(lambda _: self._count(-1))
        awaited = asyncio.wrap_future(future)
        awaited.add_done_callback(_heard)
        try:
            return await asyncio.wait_for(asyncio.shield(awaited), self._time_limit)
        except TimeoutError:
            if future.done() and not future.cancelled():  # it is what the function raised
                raise
            future.cancel()  # it may not have begun
            raise TookTooLongError from None

    def _count(self, change: int) -> None:
        with self._lock:
            self.running += change

    def close(self) -> None:
        """Wait for what runs, and drop what does not yet."""
        self._executor.shutdown(cancel_futures=True)


def _heard(future: asyncio.Future[Any]) -> None:
    """Take note of what was raised: it is no news to a caller that has left."""
    if not future.cancelled():
        future.exception()
