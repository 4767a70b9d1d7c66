"""A limit on memory that threads share: who needs more than is left waits for the others."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from contextlib import AbstractContextManager

_UNCOUNTED = 1000
"""So many shares that are not counted have room in the total."""

_NOTHING = contextlib.nullcontext()


class MemoryBudget:
    """Bytes that may be in use at a time, over all threads.

    What needs more than all of it waits until it is alone. A thread that holds a share never waits
    for a second one, since it might wait for itself.

    Parameters
    ----------
    total : int
        Bytes.

    Examples
    --------
    >>> budget = MemoryBudget(100)
    >>> with budget.reserve(60):
    ...     budget.used
    60
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._start()
        if hasattr(os, "register_at_fork"):
            # The threads that held shares are not in the child.
            os.register_at_fork(after_in_child=self._start)

    def _start(self) -> None:
        self.used = 0
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting: deque[object] = deque()
        self._thread = _Thread()

    def reserve(self, size: int) -> AbstractContextManager[None]:
        """Hold `size` bytes while a block runs; the first to come is the first to be served.

        What is next to nothing beside the total is not counted: that would take longer than the
        work on a small image may take.
        """
        return _NOTHING if size * _UNCOUNTED <= self.total else Share(self, size)

    def _take(self, size: int) -> threading.Lock:
        with self._lock:
            if self._thread.shares == 0 and (self._waiting or not self._fits(size)):
                self._wait_for(size)
            self.used += size
            lock = self._lock
        self._thread.shares += 1
        return lock

    def _give_back(self, size: int, lock: threading.Lock) -> None:
        if lock is not self._lock:
            return  # this is a child that has begun anew
        self._thread.shares -= 1
        with lock:
            self.used -= size
            if self._waiting:
                self._changed.notify_all()

    def _fits(self, size: int) -> bool:
        return self.used == 0 or self.used + size <= self.total

    def _wait_for(self, size: int) -> None:
        turn = object()
        self._waiting.append(turn)
        try:
            self._changed.wait_for(lambda: self._waiting[0] is turn and self._fits(size))
        finally:
            self._waiting.remove(turn)
            self._changed.notify_all()


class Share:
    """What a block holds of a budget. A class, not a generator, since every image takes one."""

    __slots__ = ("_budget", "_lock", "_size")

    def __init__(self, budget: MemoryBudget, size: int) -> None:
        self._budget, self._size = budget, size

    def __enter__(self) -> None:
        self._lock = self._budget._take(self._size)

    def __exit__(self, *_: object) -> None:
        self._budget._give_back(self._size, self._lock)


class _Thread(threading.local):
    """How many shares this thread holds."""

    shares = 0
