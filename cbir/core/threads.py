"""Work on several threads at once, with results in order and memory bounded.

Threads, not processes: decoding, hashing and the array operations of the descriptors release the
GIL, nothing has to be pickled or imported again, and a thousand small images are done before
new processes would have started.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, lru_cache
from itertools import islice
from typing import Any, TypeVar

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
) -> Generator[R, None, None]:
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


def growing_batches(items: Iterable[T], workers: int) -> Iterator[list[T]]:
    """Cut `items` into batches: small ones first, so that there is a result soon.

    A generator that changes something in the process, such as :func:`one_thread_each`, works off
    one batch at a time, so that nothing is changed while its consumer does something else.

    Examples
    --------
    >>> [len(batch) for batch in growing_batches(range(20), workers=2)]
    [2, 4, 8, 6]
    """
    source, size = iter(items), workers
    while batch := list(islice(source, size)):
        yield batch
        size = min(2 * size, _AHEAD * _BATCH * workers)


@cache
def scan_pool() -> ThreadPoolExecutor:
    """Return the threads that scan, kept from one query to the next."""
    return ThreadPoolExecutor(cores(), thread_name_prefix="cbir-scan")


def in_parts(work: Callable[[slice], Any], count: int, is_much: bool) -> None:
    """Work on `count` items: in one part, or if it is much work, in one part a core at once.

    Parameters
    ----------
    work : callable
        Works on the items of a slice; it releases the GIL.
    count : int
    is_much : bool
        It takes longer than handing parts over to the threads of :func:`scan_pool`.
    """
    step = max(1, -(-count // (cores() if is_much else 1)))
    first, *others = (slice(start, start + step) for start in range(0, max(1, count), step))
    # One part is our own: what is handed over has to wait for Python's lock.
    begun = [scan_pool().submit(work, part) for part in others]
    work(first)
    for one in begun:
        one.result()


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Keep OpenCV and BLAS on one thread, while our own threads use the cores.

    Descriptions are made in it, always: on more threads, a matrix product rounds differently.
    Threads may be in it at the same time; the last one to leave puts things back.
    """
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()


@lru_cache(maxsize=1)
def _pools(_: int) -> Any:
    """Return what knows the libraries with threads of their own, by how many modules there are.

    Finding them is a good part of the work of a small search; a new one comes with its module.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _Limit:
    """The limit of :func:`one_thread_each`, and which threads need it.

    A thread of its own sets the limit, stays while it holds, and takes it back: recent OpenBLAS
    lets the first thread that sets the number be the only one that can, for as long as it lives.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: Counter[int] = Counter()
        self._holder: threading.Thread | None = None
        self._over = threading.Event()
        self._before: tuple[int, Any] = (0, None)

    def enter(self) -> None:
        with self._lock:
            self._users[threading.get_ident()] += 1
            try:
                if self._holder is None:
                    self._begin()
            except BaseException:  # Ctrl-C comes while it waits, too
                self._remove_user()
                raise

    def leave(self) -> None:
        with self._lock:
            self._remove_user()

    def _remove_user(self) -> None:
        self._users[threading.get_ident()] -= 1
        self._users += Counter()  # without those that have left
        if not self._users:
            self._end()

    def at_exit(self) -> None:
        """Take the limit back, whoever was cut off within it.

        A thread that still calls OpenCV when the interpreter goes would abort the process.
        """
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._holder is not None:
            self._over.set()
            self._holder.join()
            self._holder = None

    def after_fork(self) -> None:
        """Forget the threads that the child does not have."""
        this, held = threading.get_ident(), self._holder is not None
        self._lock, self._holder = threading.Lock(), None
        self._users = Counter({this: self._users[this]}) + Counter()
        if held:
            self._restore()
        if self._users:
            self._begin()

    def _begin(self) -> None:
        begun, self._over = threading.Event(), threading.Event()
        self._holder = threading.Thread(
            target=self._hold, args=(begun, self._over), name="cbir-limit", daemon=True
        )
        self._holder.start()
        begun.wait()

    def _hold(self, begun: threading.Event, over: threading.Event) -> None:
        try:
            import cv2

            self._before = (cv2.getNumThreads(), _pools(len(sys.modules)).limit(limits=1))
            cv2.setNumThreads(1)
        finally:
            begun.set()
        over.wait()
        self._restore()

    def _restore(self) -> None:
        import cv2

        threads, limits = self._before
        cv2.setNumThreads(threads)
        limits.restore_original_limits()


_limit = _Limit()
atexit.register(_limit.at_exit)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=scan_pool.cache_clear)
    os.register_at_fork(after_in_child=_limit.after_fork)
