"""A bounded number of threads that do the work of requests, and a bounded number that wait."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

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
        loop = asyncio.get_running_loop()
        call = functools.partial(contextvars.copy_context().run, function, *args)
        future = loop.run_in_executor(self._executor, call)
        self.running += 1
        future.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._time_limit)
        except TimeoutError:
            future.cancel()  # it may not have begun
            raise TookTooLongError from None

    def _done(self, future: asyncio.Future[T]) -> None:
        self.running -= 1
        if not future.cancelled():
            future.exception()  # it is no news to a caller that has left

    def close(self) -> None:
        """Wait for what runs, and drop what does not yet."""
        self._executor.shutdown(cancel_futures=True)
